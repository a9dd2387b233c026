import { z } from "zod";
import { Refusal } from "./answer.ts";
import { action, type Action, type Call } from "./call.ts";
import { TYPES } from "./catalogue.ts";
import { findInstances, showState, type StateName, stateOf } from "./life.ts";
import { Flag } from "./query.ts";
import { refuseOverLimit } from "./run.ts";
import type { Instance } from "./state.ts";

const Ids = z.array(z.string()).min(1);

export const powerActions: Record<string, Action> = {
  StartInstances: action({ InstanceId: Ids }, (wanted, call) =>
    every(call, wanted.InstanceId, (one, now) => {
      if (now !== "stopped" && now !== "running" && now !== "pending")
        throw wrongState(`The instance '${one.id}' is not in a state from which it can be started.`);
      const type = TYPES.find(({ name }) => name === one.type);
      if (now !== "stopped") return undefined;
      if (type !== undefined && !one.on) refuseOverLimit(call, type, 1);
      return async () => {
        await call.machines.powerOn(one.host);
        turn(call, one, true);
      };
    }),
  ),

  StopInstances: action({ InstanceId: Ids, Force: Flag.optional() }, (wanted, call) =>
    every(call, wanted.InstanceId, (one, now) => {
      if (now === "terminated" || now === "shutting-down")
        throw wrongState(`This instance '${one.id}' is not in a state from which it can be stopped.`);
      if (one.attributes.disableApiStop)
        throw new Refusal("OperationNotPermitted", `The instance '${one.id}' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.`); // prettier-ignore
      if (now === "stopping") return undefined;
      return async () => {
        await call.machines.powerOff(one.host);
        turn(call, one, false);
      };
    }),
  ),

  RebootInstances: action({ InstanceId: Ids }, async (wanted, call) => {
    await every(call, wanted.InstanceId, (one, now) => {
      if (now !== "running") throw wrongState(`The instance '${one.id}' is not in a state from which it can be rebooted.`); // prettier-ignore
      return async () => {
        await call.machines.powerOff(one.host);
        await call.machines.powerOn(one.host);
      };
    });
    return { return: true };
  }),

  TerminateInstances: action({ InstanceId: Ids, Force: Flag.optional() }, (wanted, call) =>
    every(call, wanted.InstanceId, (one) => {
      if (one.terminated !== undefined) return undefined;
      if (one.attributes.disableApiTermination)
        throw new Refusal("OperationNotPermitted", `The instance '${one.id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.`); // prettier-ignore
      return async () => {
        // The host first: who is killed in between can ask again.
        if (one.host !== "") await call.machines.delete(one.host);
        call.change((region) => {
          const own = region.instances.find(({ id }) => id === one.id);
          if (own !== undefined) Object.assign(own, { terminated: call.now, on: false });
          region.volumes = region.volumes.filter(
            (volume) => volume.instance !== one.id || !volume.deleteOnTermination,
          );
          for (const volume of region.volumes) if (volume.instance === one.id) volume.instance = undefined;
          for (const address of region.addresses)
            if (address.instance === one.id) Object.assign(address, { instance: undefined, association: undefined }); // prettier-ignore
          delete region.tags[one.interfaceId];
        });
      };
    }),
  ),
};

const wrongState = (message: string) => new Refusal("IncorrectInstanceState", message);

function turn(call: Call, one: Instance, on: boolean): void {
  call.change((region) => {
    const own = region.instances.find(({ id }) => id === one.id);
    if (own !== undefined) Object.assign(own, { on, since: call.now });
  });
}

/** All instances or none: each is judged before any is touched. */
async function every(
  call: Call,
  ids: readonly string[],
  judge: (one: Instance, now: StateName) => (() => Promise<void>) | undefined,
) {
  const before = findInstances(call.read(), ids, call.now).map((one) => {
    const previous = stateOf(one, call.machines, call.now);
    return { id: one.id, previous, work: judge(one, previous) };
  });
  call.proceed();
  for (const { work } of before) await work?.();
  const { now } = call;
  const after = findInstances(call.read(), ids, now);
  return {
    instancesSet: before.map(({ id, previous }, index) => ({
      instanceId: id,
      currentState: showState(
        after[index] === undefined ? previous : stateOf(after[index], call.machines, now),
      ),
      previousState: showState(previous),
    })),
  };
}
