import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Handler } from "../route.ts";
import type { Store } from "../store.ts";
import { NOTHING, page, parseBody, Refusal } from "./answer.ts";
import { type Account, type SshKey, timestamp } from "./state.ts";

/** A name that is longer is cut, and nothing said. */
const Name = z
  .string()
  .min(1)
  .transform((name) => name.slice(0, 128));
const PublicKey = z.string().regex(/^(ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/=]+/, "is no public key");
const CreateSchema = z.strictObject({ name: Name, ssh_key: PublicKey });
const UpdateSchema = CreateSchema.partial();

/** https://www.vultr.com/api/#tag/ssh */
export function sshKeyRoutes(store: Store<Account>): Record<string, Handler> {
  return {
    "GET /v2/ssh-keys": ({ query }) => page("ssh_keys", store.read().sshKeys, query),
    "GET /v2/ssh-keys/{id}": ({ parameters }) => ({
      status: 200,
      body: { ssh_key: find(store.read(), parameters["id"]) },
    }),
    // The same key may be there twice, under any names.
    "POST /v2/ssh-keys": ({ body }) => {
      const key = { id: randomUUID(), ...parseBody(CreateSchema, body), date_created: timestamp() };
      store.change(({ sshKeys }) => sshKeys.push(key));
      return { status: 201, body: { ssh_key: key } };
    },
    "PATCH /v2/ssh-keys/{id}": ({ parameters, body }) => {
      const change = parseBody(UpdateSchema, body);
      store.change((account) => Object.assign(find(account, parameters["id"]), change));
      return NOTHING;
    },
    "DELETE /v2/ssh-keys/{id}": ({ parameters }) => {
      store.change((account) => {
        const key = find(account, parameters["id"]);
        account.sshKeys = account.sshKeys.filter((one) => one !== key);
      });
      return NOTHING;
    },
  };
}

export function find({ sshKeys }: Account, id: string | undefined): SshKey {
  const key = sshKeys.find((one) => one.id === id);
  if (key === undefined) throw new Refusal(404, "Invalid SSH key ID.");
  return key;
}
