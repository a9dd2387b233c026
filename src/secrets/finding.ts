/** Something that must not be in git as it is. No finding repeats the secret itself. */
export interface Finding {
  file: string;
  line: number;
  code:
    | "plaintext-secret"
    | "private-key"
    | "token"
    | "kubeconfig"
    | "state"
    | "never-in-git"
    | "vault"
    | "sops-plain"
    | "sops-recipients"
    | "sops-unopenable"
    | "sops-rules";
  what: string;
  why: string;
  fix: string;
}

export const TAKE_OUT = (file: string) =>
  `git rm --cached ${file}; if it was ever committed or pushed, make a new one at its source, since git keeps the old`;

export const ENCRYPT =
  "put the value into an encrypted file (infra-k3s secrets set), take it out here, and make a new one at its source " +
  "if this was ever committed";
