import { UserError } from "../output/errors.ts";
import {
  EntrySchema,
  type Header,
  INVENTORY_FORMAT,
  type Inventory,
  LineSchemas,
  type Volume,
} from "./inventory.ts";

/** An inventory's lines: its header, what is left out, each volume before its entries, the objects, and how many that were. */
export function* inventoryLines({ header, leftOut, volumes, objects }: Inventory): Generator<string> {
  let count = 0;
  const line = (kind: keyof typeof LineSchemas, what: unknown) => {
    count++;
    return `${JSON.stringify({ [kind]: what })}\n`;
  };
  yield line("header", header);
  for (const one of leftOut) yield line("leftOut", one);
  for (const { entries, ...volume } of volumes) {
    yield line("volume", volume);
    for (const entry of entries) yield line("entry", Object.fromEntries(said(entry)));
  }
  for (const object of objects) yield line("object", object);
  yield line("end", count);
}

const SILENT = EntrySchema.parse({ path: "", type: "unknown" }) as Readonly<Record<string, unknown>>;

/** Without what goes without saying. */
function said(entry: object): [string, unknown][] {
  return Object.entries(entry).filter(
    ([key, value]) => key === "path" || key === "type" || value !== SILENT[key],
  );
}

/** Takes lines one by one, so that no text of the whole is needed. What a node prints of its volumes is the same lines, without a header. */
export class InventoryReader {
  #count = 0;
  #isWhole = false;
  #header: Header | undefined;
  readonly volumes: Volume[] = [];
  readonly leftOut: Inventory["leftOut"] = [];
  readonly objects: Inventory["objects"] = [];

  take(text: string): void {
    if (text.trim() === "") return;
    const [kind, what] = Object.entries(JSON.parse(text) as Record<string, unknown>)[0] ?? [];
    if (this.#isWhole) throw new Error("there is more after its last line");
    switch (kind) {
      case "header":
        this.#header = readHeader(what);
        break;
      case "leftOut":
        this.leftOut.push(LineSchemas.leftOut.parse(what));
        break;
      case "volume":
        this.volumes.push({ ...LineSchemas.volume.parse(what), entries: [] });
        break;
      case "entry":
        this.#lastVolume().entries.push(EntrySchema.parse(what));
        break;
      case "object":
        this.objects.push(LineSchemas.object.parse(what));
        break;
      case "end":
        this.#isWhole = LineSchemas.end.parse(what) === this.#count;
        break;
      default:
        throw new Error(`a line of it is called ${kind}`);
    }
    this.#count++;
  }

  /** Whether the last line came, and as many before it as it says. */
  isWhole(): boolean {
    return this.#isWhole;
  }

  inventory(): Inventory {
    if (this.#header === undefined) throw new Error("it has no header");
    if (!this.#isWhole)
      throw new Error("its last line, which says how many there are, is not there or not true");
    return { header: this.#header, volumes: this.volumes, leftOut: this.leftOut, objects: this.objects };
  }

  #lastVolume(): Volume {
    const last = this.volumes.at(-1);
    if (last === undefined) throw new Error("an entry comes before any volume");
    return last;
  }
}

function readHeader(what: unknown): Header {
  const { format } = (what ?? {}) as { format?: unknown };
  if (typeof format === "number" && format !== INVENTORY_FORMAT) {
    throw new UserError({
      what: `the inventory has format ${format}, and this release reads format ${INVENTORY_FORMAT}`,
      fix: "use the release it was made with, or a newer one",
    });
  }
  return LineSchemas.header.parse(what);
}
