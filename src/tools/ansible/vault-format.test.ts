import { expect, test } from "vitest";
import { vaultFault } from "./vault-format.ts";

/** What ansible-vault 2.19 made of a file, with this password. */
const PASSWORD = "right password ü";
const VAULT = [
  "$ANSIBLE_VAULT;1.1;AES256",
  "65646332663439343237336264323330383733326261366132616262613737333238613831333663",
  "6661333062393138336638663936653433616139306532300a636634363663373437336665373135",
  "66666264333161386536346435393639356636613635396161663262313639323264643461333766",
  "6433623933306166630a356439363236613733663661396132613630303539303564343032653932",
  "62646562366132646666313537646236613535333936663665303636626537663633",
];
const text = (lines: readonly string[] = VAULT) => `${lines.join("\n")}\n`;

test("a vault of Ansible's opens with its password", () => {
  expect(vaultFault(text(), PASSWORD)).toBeUndefined();
  expect(vaultFault(text(VAULT).replace("1.1;AES256", "1.2;AES256;prod"), PASSWORD)).toBeUndefined();
  expect(vaultFault(text().replaceAll("\n", "\r\n"), PASSWORD)).toBeUndefined();
});

test.each([
  ["another password", text(), "wrong", "password"],
  ["no password", text(), "", "password"],
  [
    "one digit changed",
    text(VAULT.with(VAULT.length - 1, (VAULT.at(-1) ?? "").replace(/^62/, "63"))),
    PASSWORD,
    /password|damaged/,
  ],
  ["a line taken out", text(VAULT.toSpliced(2, 1)), PASSWORD, "damaged"],
  ["the end cut off", text().slice(0, 150), PASSWORD, "damaged"],
  ["a line of plain text added", `${text()}a: b\n`, PASSWORD, "damaged"],
  ["marks of a merge", text(VAULT.toSpliced(3, 0, "<<<<<<< HEAD")), PASSWORD, "damaged"],
  ["another cipher", text().replace("AES256", "AES"), PASSWORD, "damaged"],
  ["plain text", "vault_k3s_token: abc\n", PASSWORD, "plain"],
  ["nothing", "", PASSWORD, "plain"],
])("%s", (_, content, password, fault) => {
  expect(vaultFault(content, password)).toMatch(fault);
});
