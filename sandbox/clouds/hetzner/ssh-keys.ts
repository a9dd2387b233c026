import { createHash } from "node:crypto";
import { z } from "zod";
import type { Handler } from "../route.ts";
import type { Store } from "../store.ts";
import { newId } from "./actions.ts";
import { invalid, notFound, page, Refusal, selected, taken } from "./answer.ts";
import { LabelsSchema, parseBody } from "./body.ts";
import type { Project, SshKey } from "./state.ts";

const CreateSchema = z.strictObject({
  name: z.string().min(1),
  public_key: z.string(),
  labels: LabelsSchema.optional(),
});
const UpdateSchema = z.strictObject({ name: z.string().min(1).optional(), labels: LabelsSchema.optional() });

export function sshKeyRoutes(store: Store<Project>): Record<string, Handler> {
  return {
    "GET /v1/ssh_keys": ({ query }) => {
      const wanted = query.get("fingerprint");
      const all = selected(store.read().sshKeys, query).map(show);
      return page(
        "ssh_keys",
        all.filter((key) => wanted === null || key.fingerprint === wanted),
        query,
      );
    },
    "GET /v1/ssh_keys/{id}": ({ parameters }) => ({
      status: 200,
      body: { ssh_key: show(find(store.read(), parameters["id"])) },
    }),
    "POST /v1/ssh_keys": ({ body }) => {
      const { name, public_key, labels = {} } = parseBody(CreateSchema, body);
      if (!/^(ssh-|ecdsa-)\S+ [A-Za-z0-9+/=]+/.test(public_key)) throw invalid("public_key", "is invalid");
      return store.change((project) => {
        if (project.sshKeys.some((key) => key.name === name)) throw taken("SSH key name");
        if (project.sshKeys.some((key) => fingerprint(key.public_key) === fingerprint(public_key)))
          throw new Refusal(409, "uniqueness_error", "SSH key with the same fingerprint already exists");
        const key = { id: newId(project), name, public_key, labels, created: new Date().toISOString() };
        project.sshKeys.push(key);
        return { status: 201, body: { ssh_key: show(key) } };
      });
    },
    "PUT /v1/ssh_keys/{id}": ({ parameters, body }) =>
      store.change((project) => {
        const key = find(project, parameters["id"]);
        const { name, labels } = parseBody(UpdateSchema, body);
        Object.assign(key, name === undefined ? {} : { name }, labels === undefined ? {} : { labels });
        return { status: 200, body: { ssh_key: show(key) } };
      }),
    "DELETE /v1/ssh_keys/{id}": ({ parameters }) =>
      store.change((project) => {
        const key = find(project, parameters["id"]);
        project.sshKeys = project.sshKeys.filter((other) => other !== key);
        return { status: 204, body: undefined };
      }),
  };
}

function find(project: Project, id: string | undefined): SshKey {
  const key = project.sshKeys.find((one) => String(one.id) === id);
  if (key === undefined) throw notFound("SSH key");
  return key;
}

const show = (key: SshKey) => ({ ...key, fingerprint: fingerprint(key.public_key) });

/** MD5 of the key, as OpenSSH showed it once. */
function fingerprint(publicKey: string): string {
  const hash = createHash("md5")
    .update(Buffer.from(publicKey.split(" ")[1] ?? "", "base64"))
    .digest("hex");
  return hash.match(/../g)?.join(":") ?? "";
}
