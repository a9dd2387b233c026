import type { Handler } from "../route.ts";
import type { Store } from "../store.ts";
import { notFound, page } from "./answer.ts";
import type { Action, Project } from "./state.ts";

/** How long anything takes at this vendor, in milliseconds. */
const TAKES = 400;

export function newId(project: Project): number {
  project.lastId += 1;
  return project.lastId;
}

/** Something that goes on after the answer. */
export function begin(project: Project, command: string, resources: Action["resources"]): Action {
  const started = Date.now();
  const action = { id: newId(project), command, started, until: started + TAKES, resources };
  project.actions.push(action);
  return action;
}

export function showAction({ id, command, started, until, resources }: Action) {
  const running = Date.now() < until;
  return {
    id,
    command,
    status: running ? "running" : "success",
    progress: running ? 50 : 100,
    started: new Date(started).toISOString(),
    finished: running ? null : new Date(until).toISOString(),
    resources,
    error: null,
  };
}

export function actionRoutes(project: Store<Project>): Record<string, Handler> {
  const one: Handler = ({ parameters }) => {
    const action = project.read().actions.find(({ id }) => String(id) === parameters["id"]);
    if (action === undefined) throw notFound("action");
    return { status: 200, body: { action: showAction(action) } };
  };
  return {
    "GET /v1/actions/{id}": one,
    "GET /v1/servers/{server}/actions/{id}": one,
    "GET /v1/firewalls/{firewall}/actions/{id}": one,
    "GET /v1/actions": ({ query }) => {
      const ids = query.getAll("id");
      const all = project.read().actions.filter(({ id }) => ids.includes(String(id)));
      return page("actions", all.map(showAction), query);
    },
  };
}
