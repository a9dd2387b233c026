/** A server type that can be had at a place, and its price without tax and traffic. */
export interface Offer {
  size: string;
  region: string;
  available: boolean;
  arch: "amd64" | "arm64";
  cores: number;
  memoryGb: number;
  currency: string;
  /** Null: unknown, and `note` says why. */
  monthly: number | null;
  /** What the price is made of. */
  note: string;
}
