import {
  appendFileSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { run } from "../command.ts";
import { services, type Plan } from "../network/plan.ts";

const BUNDLE = "ca-certificates.crt";

/** The sandbox's own certificate authority, and the trust store and resolver of its places. Made once per sandbox. */
export async function ensureTrust(plan: Plan, stateDir: string): Promise<void> {
  const folder = join(stateDir, "ca");
  if (existsSync(join(folder, "resolv.conf"))) return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [key, certificate] = [join(folder, "ca.key"), join(folder, "ca.pem")];
  await run([
    "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650",
    "-keyout", key, "-out", certificate, "-subj", `/CN=infra-k3s sandbox ${plan.name}`,
    "-addext", "basicConstraints=critical,CA:TRUE,pathlen:0", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
  ]); // prettier-ignore
  const hash = (await run(["openssl", "x509", "-hash", "-noout", "-in", certificate])).trim();
  trustStore(join(folder, "certs"), "/etc/ssl/certs", certificate, hash);
  writeFileSync(join(folder, "hash"), hash);
  writeFileSync(join(folder, "resolv.conf"), `nameserver ${services(plan).dns}\n`);
}

/** A copy of a system's trust store that also trusts the sandbox: by bundle and by hash, as OpenSSL looks. */
function trustStore(folder: string, system: string, certificate: string, hash: string): void {
  cpSync(system, folder, { recursive: true, verbatimSymlinks: true });
  appendFileSync(join(folder, BUNDLE), `\n${readFileSync(certificate, "utf8")}`);
  copyFileSync(certificate, join(folder, `${hash}.0`));
}

/** A certificate for these names, good for what asks for it inside the sandbox. Returns paths of key and chain. */
export async function issue(
  stateDir: string,
  name: string,
  names: readonly string[],
): Promise<{ key: string; cert: string }> {
  const folder = join(stateDir, "ca");
  const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  await run([
    "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "820",
    "-CA", join(folder, "ca.pem"), "-CAkey", join(folder, "ca.key"), "-keyout", key, "-out", cert, "-subj", `/CN=${names[0]}`,
    "-addext", `subjectAltName=${names.map((entry) => `DNS:${entry}`).join(",")}`,
    "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth",
  ]); // prettier-ignore
  return { key, cert };
}
