import { z } from "zod";
import type { Gitops } from "./model.ts";

/** A repository as ssh names it, in both of git's spellings: https://git-scm.com/docs/git-clone#_git_urls */
const SSH_URL = /^ssh:\/\/([a-z0-9._-]+)@([a-z0-9.-]+)(?::(\d{1,5}))?\/([^\s?#]+)$/i;
const SCP_FORM = /^([a-z0-9._-]+)@([a-z0-9.-]+):(?!\/\/)([^\s?#]+)$/i;

interface Place {
  user: string;
  host: string;
  port: number;
  path: string;
}

/** What of a repository's URL ArgoCD, git and the pinned host keys are told; undefined for anything but SSH with a user. */
export function placeOf(url: string): Place | undefined {
  const full = SSH_URL.exec(url);
  const short = full === null ? SCP_FORM.exec(url) : null;
  const [, user, host, ...rest] = full ?? short ?? [];
  const path = (rest.at(-1) ?? "").replace(/^\/+/, "");
  const port = full?.[3] === undefined ? 22 : Number(full[3]);
  if (user === undefined || host === undefined || path === "" || port < 1 || port > 65_535) return undefined;
  return { user, host: host.toLowerCase(), port, path };
}

export function repositoryFault(url: string): string {
  const https = /^https?:\/\/(?:[^/@]*@)?([^/:]+)(?::\d+)?\/(.+)$/.exec(url);
  return https === null
    ? "must be an SSH URL such as ssh://git@github.com/you/cluster.git or git@github.com:you/cluster.git"
    : `must be an SSH URL, because the cluster reads it by a deploy key; did you mean "ssh://git@${https[1]}/${https[2]}"?`;
}

const KEY_TYPES = /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521))$/;

/** The key's bytes begin with its type once more: https://www.rfc-editor.org/rfc/rfc4253#section-6.6 */
function isHostKey(text: string): boolean {
  const [type = "", base64 = "", ...rest] = text.split(" ");
  if (!KEY_TYPES.test(type) || rest.length > 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return false;
  const bytes = Buffer.from(base64, "base64");
  const length = bytes.length < 4 ? 0 : bytes.readUInt32BE(0);
  return bytes.length > 4 + length && bytes.toString("latin1", 4, 4 + length) === type;
}

export const GitopsSchema = z.strictObject({
  repository: z
    .string()
    .refine((url) => placeOf(url) !== undefined, { error: ({ input }) => repositoryFault(String(input)) })
    .describe("The cluster repository at its git host, by SSH; the cluster reads it with a deploy key.")
    .meta({ examples: ["ssh://git@github.com/you/cluster.git"] }),
  branch: z
    .string()
    // https://git-scm.com/docs/git-check-ref-format, and nothing that a pattern could mean.
    .regex(/^(?!.*(\.\.|\/\/|@\{|\.lock$))[A-Za-z0-9_][A-Za-z0-9_./+-]*(?<![./])$/, {
      error: "must be the name of a branch such as main",
    })
    .default("main")
    .describe("The branch the cluster follows."),
  hostKeys: z
    .array(
      z.string().refine(isHostKey, {
        error:
          "must be a host key such as 'ssh-ed25519 AAAA…'; `ssh-keyscan HOST` prints it behind the host's name",
      }),
    )
    .min(1, {
      error: "must name a host key; `ssh-keyscan HOST` prints some: compare with what the git host publishes",
    })
    .meta({
      examples: [["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"]],
    })
    .describe("The git host's SSH host keys; no other is trusted."),
});

export const TlsSchema = z.strictObject({
  email: z
    .email({ error: "must be an e-mail address" })
    .optional()
    .describe("Where Let's Encrypt writes to; `gitops` needs it.")
    .meta({ examples: ["you@example.com"] }),
  issuer: z
    .enum(["staging", "production"])
    .default("production")
    .describe("staging: certificates nobody trusts, without the limits of production."),
});

interface Raw {
  gitops?: z.output<typeof GitopsSchema> | undefined;
  tls?: z.output<typeof TlsSchema> | undefined;
}

/** The model's part; the rules have made sure that there is an e-mail address. */
export function deriveGitops({ gitops, tls }: Raw): Gitops | null {
  if (gitops === undefined) return null;
  const place = placeOf(gitops.repository);
  if (place === undefined) throw new Error("a validated repository has a place");
  const { user, host, port, path } = place;
  return {
    repository: `ssh://${user}@${host}${port === 22 ? "" : `:${port}`}/${path}`,
    host,
    port,
    branch: gitops.branch,
    hostKeys: gitops.hostKeys,
    email: tls?.email ?? "",
    issuer: tls?.issuer ?? "production",
  };
}
