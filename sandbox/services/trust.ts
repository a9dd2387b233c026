import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { run } from "../command.ts";
import { services, type Plan } from "../network/plan.ts";

const BUNDLE = "ca-certificates.crt";
const STOCK = "/usr/share/ca-certificates/";

/** The sandbox's own certificate authority, and the trust store and resolver of its places. Made once per sandbox. */
export async function ensureTrust(plan: Plan, stateDir: string): Promise<void> {
  const folder = join(stateDir, "ca");
  if (existsSync(join(folder, "resolv.conf"))) return;
  rmSync(folder, { recursive: true, force: true });
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

/**
 * Debian's trust store and the sandbox's authority: by bundle and by hash, as OpenSSL looks. Links to what the package
 * ca-certificates brings are taken from this machine's store; authorities that its owner has added stay out.
 */
function trustStore(folder: string, system: string, certificate: string, hash: string): void {
  mkdirSync(folder);
  const stock = readdirSync(system)
    .sort()
    .filter((name) => linkTarget(join(system, name))?.startsWith(STOCK) === true);
  for (const name of stock) symlinkSync(readlinkSync(join(system, name)), join(folder, name));
  for (const name of readdirSync(system)) {
    const target = linkTarget(join(system, name));
    if (target !== undefined && stock.includes(target)) symlinkSync(target, join(folder, name));
  }
  const bundle = [...stock.map((name) => join(system, name)), certificate];
  writeFileSync(
    join(folder, BUNDLE),
    bundle.map((path) => `${readFileSync(path, "utf8").trimEnd()}\n`).join(""),
  );
  copyFileSync(certificate, join(folder, `${hash}.0`));
}

/**
 * Adds authorities that programs of the sandbox have made for themselves, in place of those of before, to the trust store of
 * its places. Files that are mounted somewhere keep their inode.
 */
export async function believe(stateDir: string, authorities: readonly string[]): Promise<void> {
  const folder = join(stateDir, "ca");
  const [certs, own] = [join(folder, "certs"), join(folder, "ca.pem")];
  const note = join(folder, "believed.json");
  const before = existsSync(note) ? (JSON.parse(readFileSync(note, "utf8")) as string[]) : [];
  for (const name of before) rmSync(join(certs, name), { force: true });
  for (const name of readdirSync(folder).filter(isBelieved)) rmSync(join(folder, name));
  const names: string[] = [];
  for (const [index, text] of authorities.entries()) {
    const file = join(folder, `believed-${index}.pem`);
    writeFileSync(file, text);
    const hash = (await run(["openssl", "x509", "-hash", "-noout", "-in", file])).trim();
    // Two of the same name are told apart by the number: openssl-rehash(1).
    const taken = names.filter((name) => name.startsWith(hash)).length;
    names.push(`${hash}.${taken}`);
    copyFileSync(file, join(certs, `${hash}.${taken}`));
  }
  writeFileSync(note, JSON.stringify(names));
  const bundle = join(certs, BUNDLE);
  const text = readFileSync(bundle, "utf8");
  const end = text.indexOf(readFileSync(own, "utf8").trimEnd()) + readFileSync(own, "utf8").trimEnd().length;
  writeFileSync(bundle, `${text.slice(0, end)}\n${authorities.join("")}`);
}

const isBelieved = (name: string) => /^believed-\d+\.pem$/.test(name);

/** The sandbox's own authority and those its places believe in: PEM. */
export function authoritiesOf(stateDir: string): string[] {
  const folder = join(stateDir, "ca");
  return ["ca.pem", ...readdirSync(folder).filter(isBelieved).sort()].map((name) =>
    readFileSync(join(folder, name), "utf8"),
  );
}

function linkTarget(path: string): string | undefined {
  return lstatSync(path).isSymbolicLink() && existsSync(path) ? readlinkSync(path) : undefined;
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
