/** What Cloudflare knows of one account. */
export interface Account {
  id: string;
  name: string;
  zones: Zone[];
  records: DnsRecord[];
  /** The latest that were deleted: name servers may tell of them for a while yet. */
  gone?: (DnsRecord & { gone_on: string })[];
  buckets: Bucket[];
  tokens: Token[];
  tunnels: Tunnel[];
}

export const NO_ACCOUNT: Account = {
  id: "",
  name: "",
  zones: [],
  records: [],
  buckets: [],
  tokens: [],
  tunnels: [],
};

export interface Zone {
  id: string;
  name: string;
  settings: Record<string, unknown>;
}

export interface DnsRecord {
  id: string;
  zone_id: string;
  name: string;
  type: "A" | "AAAA" | "CNAME" | "TXT";
  content: string;
  ttl: number;
  proxied: boolean;
  comment: string | null;
  tags: string[];
  created_on: string;
  modified_on: string;
}

export interface Bucket {
  name: string;
  creation_date: string;
  location: string;
  storage_class: string;
  lifecycle: unknown[];
  lock: LockRule[];
}

export interface LockRule {
  id: string;
  enabled: boolean;
  prefix?: string | undefined;
  condition: { type: "Age"; maxAgeSeconds: number } | { type: "Date"; date: string } | { type: "Indefinite" };
}

export interface Policy {
  id: string;
  effect: "allow" | "deny";
  permission_groups: { id: string; name?: string | undefined }[];
  resources: Record<string, unknown>;
}

export interface Token {
  id: string;
  name: string;
  /** Told once; an R2 key's secret is its SHA-256. */
  value: string;
  /** Of an R2 key whose value nobody here knows; otherwise the value's SHA-256. */
  s3Secret?: string;
  status: "active" | "disabled" | "expired";
  /** ISO 8601; null: never. */
  expires_on: string | null;
  policies: Policy[];
  issued_on: string;
  modified_on: string;
}

export interface Tunnel {
  id: string;
  name: string;
  config_src: string;
  created_at: string;
  secret: string;
  config: unknown;
}

/** What Cloudflare bills, and what else a cluster leaves behind. */
export function billed({ buckets, tunnels, records, tokens }: Account): Record<string, number> {
  return {
    buckets: buckets.length,
    tunnels: tunnels.length,
    records: records.length,
    // The operator's own is the first.
    tokens: Math.max(0, tokens.length - 1),
  };
}
