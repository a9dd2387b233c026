import { join } from "node:path";
import type { Api, Reply, Request } from "../../services/api.ts";
import { type AwsKey, credentialsStore } from "../credentials.ts";
import type { Machines } from "../machines.ts";
import { Store } from "../store.ts";
import { authenticate, mayDo, type Service, userArn } from "./access.ts";
import { addressActions } from "./addresses.ts";
import { ec2Answer, ec2Refusal, Refusal, stsAnswer, stsRefusal } from "./answer.ts";
import { attributeActions } from "./attributes.ts";
import type { Action, Call } from "./call.ts";
import { groupActions } from "./groups.ts";
import { instanceActions } from "./instances.ts";
import { keyActions } from "./keys.ts";
import { AWS_NAMES } from "./names.ts";
import { placeActions } from "./places.ts";
import { powerActions } from "./power.ts";
import { getProducts, pricingRefusal } from "./pricing.ts";
import { parseQuery, type Tree } from "./query.ts";
import { ruleActions } from "./rules.ts";
import { runActions } from "./run.ts";
import { type Account, EMPTY_ACCOUNT, regionOf } from "./state.ts";
import { tagActions } from "./tags.ts";
import { Throttle } from "./throttle.ts";
import { volumeActions } from "./volumes.ts";

export const awsStore = (folder: string): Store<Account> =>
  new Store(join(folder, "aws.json"), EMPTY_ACCOUNT);

/** Ends a dry run where everything is checked and nothing is kept. */
class DryRun extends Error {}

/** Simulates STS, EC2 and the price list for one account; `folder` is where it keeps what it knows. */
export function awsApis(
  folder: string,
  machines: Machines,
  clock: () => number = Date.now,
): Record<string, Api> {
  const store = awsStore(folder);
  const credentials = credentialsStore(join(folder, ".."));
  const throttle = new Throttle();
  const actions: Record<string, Action> = {
    ...placeActions,
    ...keyActions,
    ...groupActions,
    ...ruleActions,
    ...runActions(),
    ...instanceActions,
    ...powerActions,
    ...attributeActions,
    ...volumeActions,
    ...addressActions,
    ...tagActions,
  };
  const enter = (request: Request, service: Service, region: string) =>
    authenticate(request, service, region, credentials.read().aws ?? [], clock());

  async function ec2(request: Request, region: string): Promise<Reply> {
    const key = enter(request, "ec2", region);
    const { Action: name, Version: _version, DryRun: dry, ...parameters } = parseQuery(request.body);
    const work = typeof name === "string" && Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (typeof name !== "string" || work === undefined)
      throw new Refusal("NotSimulated", `not simulated: ${JSON.stringify(name)}`, 501);
    if (!throttle.take(region, name, clock()))
      throw new Refusal("RequestLimitExceeded", "Request limit exceeded.", 503);
    refuseUnauthorized(key, store.read().id, name, parameters);
    const call = callOf(name, region, parameters, dry === "true");
    try {
      const value = await work(call);
      if (dry === "true") throw new DryRun();
      return ec2Answer(name, value);
    } catch (error) {
      if (error instanceof DryRun)
        throw new Refusal("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412);
      throw error;
    }
  }

  function callOf(name: string, region: string, parameters: Record<string, Tree>, dry: boolean): Call {
    const proceed = () => {
      if (dry) throw new DryRun();
    };
    return {
      action: name,
      region,
      account: store.read().id,
      parameters,
      machines,
      // Asked anew: what was just made is looked at after it.
      get now() {
        return clock();
      },
      read: () => regionOf(store.read(), region),
      readAccount: () => store.read(),
      change: (work) =>
        store.change((account) => {
          const result = work(regionOf(account, region));
          proceed();
          return result;
        }),
      proceed,
    };
  }

  function sts(request: Request, region: string): Reply {
    const key = enter(request, "sts", region);
    const { Action: name } = parseQuery(request.body);
    if (name !== "GetCallerIdentity") throw new Refusal("NotSimulated", `not simulated: ${JSON.stringify(name)}`, 501); // prettier-ignore
    const { id } = store.read();
    return stsAnswer(name, { Arn: userArn(id, key), UserId: key.accessKeyId.replace("AKIA", "AIDA"), Account: id }); // prettier-ignore
  }

  function pricing(request: Request, region: string): Reply {
    const key = enter(request, "pricing", region);
    const target = request.headers["x-amz-target"];
    if (target !== "AWSPriceListService.GetProducts") throw new Refusal("NotSimulated", `not simulated: ${String(target)}`, 501); // prettier-ignore
    if (!mayDo(key, "pricing:GetProducts"))
      throw new Refusal("AccessDeniedException", `User: ${userArn(store.read().id, key)} is not authorized to perform: pricing:GetProducts`); // prettier-ignore
    return getProducts(request.body);
  }

  const services = {
    ec2: { work: ec2, refuse: ec2Refusal },
    sts: { work: sts, refuse: stsRefusal },
    pricing: { work: pricing, refuse: pricingRefusal },
  };
  return Object.fromEntries(
    AWS_NAMES.map(({ name, service, region }): [string, Api] => [
      name,
      async (request) => {
        const { work, refuse } = services[service];
        try {
          return await work(request, region);
        } catch (error) {
          if (error instanceof Refusal) return refuse(error);
          return refuse(
            new Refusal("InternalError", `An internal error has occurred: ${String(error)}`, 500),
          );
        }
      },
    ]),
  );
}

/** Who gives tags to what is made needs the right to: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html */
function refuseUnauthorized(
  key: AwsKey,
  account: string,
  name: string,
  parameters: Record<string, Tree>,
): void {
  const needed = [`ec2:${name}`, ...("TagSpecification" in parameters ? ["ec2:CreateTags"] : [])];
  const denied = needed.find((one) => !mayDo(key, one));
  if (denied !== undefined)
    throw new Refusal("UnauthorizedOperation", `You are not authorized to perform this operation. User: ${userArn(account, key)} is not authorized to perform: ${denied} because no identity-based policy allows the ${denied} action`, 403); // prettier-ignore
}
