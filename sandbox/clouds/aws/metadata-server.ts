import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { run } from "../../command.ts";
import { namespace, type Plan } from "../../network/plan.ts";
import { awsStore } from "./api.ts";
import { metadataService } from "./metadata.ts";

const ADDRESS = "169.254.169.254";

/** EC2's metadata, where an instance looks for it: on the link of its cloud's network. */
export async function serveMetadata(plan: Plan, stateDir: string): Promise<Server> {
  await run(["ip", "-n", namespace(plan, "outer"), "addr", "replace", `${ADDRESS}/32`, "dev", "aws"]);
  await limitHops(plan, new Map());
  const answer = metadataService(awsStore(join(stateDir, "clouds")));
  const server = createServer(({ method = "GET", url = "/", headers, socket }, response) => {
    const client = socket.remoteAddress ?? "";
    const reply = answer({ method, path: url, headers, client });
    response.writeHead(reply.status, { "content-type": "text/plain", ...reply.headers }).end(reply.body);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(80, ADDRESS, () => resolve(server));
  });
}

/**
 * How far an answer goes, by an instance's private address: one that may go one hop does not get through to a pod. Nobody at
 * another cloud reaches it.
 */
export async function limitHops(plan: Plan, hops: ReadonlyMap<string, number>): Promise<void> {
  const rules = [...hops].map(
    ([address, limit]) => `ip saddr ${ADDRESS} ip daddr ${address} ip ttl set ${limit}`,
  );
  // After the translation of addresses.
  const table = `table ip metadata {
chain input { type filter hook input priority filter; iifname != "aws" ip daddr ${ADDRESS} drop; }
chain postrouting {
  type filter hook postrouting priority 200;
  ${rules.join("\n  ")}
}
}`;
  await run(["ip", "netns", "exec", namespace(plan, "outer"), "nft", "-f", "-"], {
    stdin: `table ip metadata {}\ndelete table ip metadata\n${table}\n`,
  });
}
