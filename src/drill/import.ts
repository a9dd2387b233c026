import type { Chosen, RecoveryPoint } from "./choose.ts";

/** What the import step has laid into a folder; `import.json` there is written last. */
export interface DrillImport {
  cluster: string;
  backup: string;
  snapshot: Chosen["snapshot"];
  volumes: Chosen["volumes"];
  /** The commit that the cluster was at, the branch it follows, and the repository's URL. */
  commit: string;
  branch: string;
  repository: string;
  k3s: string;
  backupBucket: string;
  stateBucket: string;
  /** What would be lost, as it was when the import began. */
  points: RecoveryPoint[];
  objects: number;
  bytes: number;
  images: string[];
  /** What could not be had by digest. */
  notes: string[];
}

/** Where what is in the folder. */
export const LAYOUT = {
  about: "import.json",
  /** `tools/s3/copy.ts`. */
  objects: "objects",
  /** As URLs: HOST/PATH. */
  downloads: "downloads",
  /** As the open source registry keeps them. */
  images: "images",
  repository: "repository.git",
} as const;
