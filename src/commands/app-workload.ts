import { type App, labelsOf } from "./app-shape.ts";

/** The pods of an app, in the strictest Pod Security profile: https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
export function deployment(app: App): object {
  const { name, namespace, replicas, user, volume: data, hasPullSecret } = app;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace, labels: labelsOf(app) },
    spec: {
      replicas,
      revisionHistoryLimit: 3,
      // Then it counts as failed, and what git has by then is tried.
      progressDeadlineSeconds: 180,
      strategy:
        data === undefined
          ? { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
          : // The volume is in one pod at a time.
            { type: "Recreate" },
      selector: { matchLabels: labelsOf(app) },
      template: {
        metadata: { labels: labelsOf(app) },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: 30,
          ...(hasPullSecret ? { imagePullSecrets: [{ name: `${name}-pull` }] } : {}),
          ...(replicas > 1
            ? {
                topologySpreadConstraints: [
                  {
                    maxSkew: 1,
                    topologyKey: "kubernetes.io/hostname",
                    whenUnsatisfiable: "ScheduleAnyway",
                    labelSelector: { matchLabels: labelsOf(app) },
                  },
                ],
              }
            : {}),
          securityContext: {
            runAsNonRoot: true,
            ...(user === undefined ? {} : { runAsUser: user, runAsGroup: user, fsGroup: user }),
            seccompProfile: { type: "RuntimeDefault" },
          },
          containers: [container(app)],
          volumes: [
            { name: "tmp", emptyDir: {} },
            ...(data === undefined ? [] : [{ name: "data", persistentVolumeClaim: { claimName: name } }]),
          ],
        },
      },
    },
  };
}

function container({ name, image, port, health, volume: data }: App): object {
  const probe = health === "" ? { tcpSocket: { port: "http" } } : { httpGet: { path: health, port: "http" } };
  return {
    name,
    image,
    ports: [{ name: "http", containerPort: port, protocol: "TCP" }],
    startupProbe: { ...probe, periodSeconds: 2, failureThreshold: 60 },
    readinessProbe: { ...probe, periodSeconds: 5, failureThreshold: 2 },
    livenessProbe: { ...probe, periodSeconds: 10, failureThreshold: 3 },
    // While the last requests still come in, it stays.
    lifecycle: { preStop: { sleep: { seconds: 5 } } },
    resources: { requests: { cpu: "20m", memory: "32Mi" }, limits: { memory: "512Mi" } },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      readOnlyRootFilesystem: data === undefined,
    },
    volumeMounts: [
      { name: "tmp", mountPath: "/tmp" },
      ...(data === undefined ? [] : [{ name: "data", mountPath: data.path }]),
    ],
  };
}
