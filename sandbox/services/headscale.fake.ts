import type { HeadscaleNode } from "./headscale.ts";
import type { Control } from "./tailscale-api.ts";

/** headscale, remembered in memory. */
export class FakeControl implements Control {
  readonly keys: object[] = [];
  list: HeadscaleNode[] = [];
  async createKey(options: object): Promise<{ id: string; key: string }> {
    this.keys.push(options);
    return { id: String(this.keys.length), key: `secret-${this.keys.length}` };
  }
  async nodes(): Promise<HeadscaleNode[]> {
    return this.list;
  }
  async deleteNode(id: string): Promise<void> {
    this.list = this.list.filter((node) => String(node.id) !== id);
  }
}

export const NODE: HeadscaleNode = {
  id: 7,
  name: "three-clouds-hetzner-1",
  given_name: "three-clouds-hetzner-1",
  ip_addresses: ["100.64.0.1", "fd7a:115c:a1e0::1"],
  forced_tags: ["tag:k3s"],
  valid_tags: ["tag:k3s"],
  online: true,
  created_at: { seconds: 1_795_441_750 },
  last_seen: { seconds: 1_795_441_750 },
};
