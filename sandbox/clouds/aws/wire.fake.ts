import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { EC2Client } from "@aws-sdk/client-ec2";
import { PricingClient } from "@aws-sdk/client-pricing";
import { STSClient } from "@aws-sdk/client-sts";
import type { Store } from "../store.ts";
import { type AwsKey, credentialsStore, ensureCredentials } from "../credentials.ts";
import { FakeMachines } from "../machines.fake.ts";
import { awsApis, awsStore } from "./api.ts";
import type { Account } from "./state.ts";

interface Sent {
  method: string;
  hostname: string;
  path: string;
  headers: Record<string, string>;
  body?: string | Uint8Array;
}

/** The simulator and AWS's own SDK, with nothing but function calls between them. */
export class FakeWire {
  readonly folder = mkdtempSync(join(tmpdir(), "infra-k3s-aws-"));
  readonly machines = new FakeMachines();
  readonly key: AwsKey;
  readonly store: Store<Account>;
  readonly #start = Date.now();
  /** Milliseconds that have passed for the simulator. */
  ahead = 0;
  /** How often each status was answered. */
  readonly statuses: number[] = [];
  /** Lets the next so many answers be lost. */
  lose = 0;
  readonly #apis: ReturnType<typeof awsApis>;

  constructor() {
    const [key] = ensureCredentials(this.folder).aws ?? [];
    if (key === undefined) throw new Error("no key");
    this.key = key;
    const clouds = join(this.folder, "clouds");
    this.store = awsStore(clouds);
    this.#apis = awsApis(clouds, this.machines, () => this.#start + this.ahead);
  }

  addKey(key: AwsKey): AwsKey {
    credentialsStore(this.folder).change((known) => known.aws?.push(key));
    return key;
  }

  ec2 = (key: Partial<AwsKey> = {}, region = "eu-central-1", maxAttempts = 1) =>
    new EC2Client({ ...this.#options(key), region, maxAttempts });
  sts = (key: Partial<AwsKey> = {}, region = "eu-central-1") =>
    new STSClient({ ...this.#options(key), region, maxAttempts: 1 });
  pricing = (key: Partial<AwsKey> = {}) =>
    new PricingClient({ ...this.#options(key), region: "us-east-1", maxAttempts: 1 });

  #options(key: Partial<AwsKey>) {
    const { accessKeyId, secretAccessKey } = { ...this.key, ...key };
    return {
      credentials: { accessKeyId, secretAccessKey },
      requestHandler: { handle: (request: unknown) => this.#handle(request as Sent) } as never,
    };
  }

  async #handle({ method, hostname, path, headers: given, body = "" }: Sent) {
    const headers = Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]),
    );
    const api = this.#apis[hostname];
    if (api === undefined) throw new Error(`no such host: ${hostname}`);
    const text = typeof body === "string" ? body : Buffer.concat([body]).toString();
    const reply = await api({ method, host: hostname, path, headers, authorization: headers["authorization"] ?? "", body: text }); // prettier-ignore
    this.statuses.push(reply.status);
    if (this.lose > 0) {
      this.lose -= 1;
      throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
    }
    const content = typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body);
    return {
      response: { statusCode: reply.status, headers: { ...reply.headers }, body: Readable.from([Buffer.from(content)]) }, // prettier-ignore
    };
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The code of the refusal that a call ends with. */
export async function refused(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "done",
    (error: Error & { $metadata?: { httpStatusCode?: number } }) =>
      `${error.$metadata?.httpStatusCode ?? "?"} ${error.name}`,
  );
}
