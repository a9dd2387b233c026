/** Size and refill per second of each call's bucket: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html */
const READING = [100, 20] as const;
const CHANGING = [50, 5] as const;
const OWN: Record<string, readonly [number, number]> = {
  RunInstances: [5, 2],
  StartInstances: [5, 2],
  StopInstances: [5, 2],
  TerminateInstances: [100, 5],
};

/** EC2's token buckets, one for each call in each region. */
export class Throttle {
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  /** Whether a call may go on now. */
  take(region: string, action: string, now: number): boolean {
    const [size, refill] = OWN[action] ?? (action.startsWith("Describe") ? READING : CHANGING);
    const name = `${region} ${action}`;
    const bucket = this.#buckets.get(name) ?? { tokens: size, at: now };
    const tokens = Math.min(size, bucket.tokens + ((now - bucket.at) / 1000) * refill);
    this.#buckets.set(name, { tokens: tokens < 1 ? tokens : tokens - 1, at: now });
    return tokens >= 1;
  }
}
