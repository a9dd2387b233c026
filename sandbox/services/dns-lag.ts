import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const file = (stateDir: string) => join(stateDir, "dns-lag");

/** Makes the name servers tell of a record only so many seconds after it was made, and still so many after it was deleted. */
export function setDnsLag(stateDir: string, seconds: number): void {
  writeFileSync(file(stateDir), String(seconds));
}

export function dnsLag(stateDir: string): number {
  return existsSync(file(stateDir)) ? Number(readFileSync(file(stateDir), "utf8")) : 0;
}
