/** What `app add` was told, checked. */
export interface App {
  name: string;
  namespace: string;
  /** Another app brings the namespace. */
  namespaceIsThere: boolean;
  /** `name:tag@sha256:…`. */
  image: string;
  port: number;
  host: string;
  /** The listener of the Gateway that has a certificate for the host. */
  listener: "https-apex" | "https-wildcard";
  replicas: number;
  /** Empty: the port is tried. */
  health: string;
  user: number | undefined;
  volume: { size: string; path: string } | undefined;
  hasPullSecret: boolean;
}

export const labelsOf = ({ name }: App) => ({ "app.kubernetes.io/name": name });
