/** One image: the name that manifests use, and what is in it. */
export interface Image {
  /** Repository at its registry, without the registry's name. */
  repository: string;
  tag: string;
  /** Where a file of this machine stands in the image. */
  files: Readonly<Record<string, string>>;
  /** Files by their text. */
  texts?: Readonly<Record<string, string>>;
  /** Symbolic links and their targets. */
  links?: Readonly<Record<string, string>>;
  entrypoint: readonly string[];
  /** What the entrypoint is given where nobody says. */
  command?: readonly string[];
  /** As in /etc/passwd's third field, or with a group: `UID:GID`. root where it is not given. */
  user?: string;
  env?: Readonly<Record<string, string>>;
  workingDir?: string;
  /** Folders any user may write to. */
  writable?: readonly string[];
}

/** A part of an image: files of this machine and links, by their place in the image. */
export interface Tree {
  files: Readonly<Record<string, string>>;
  links: Readonly<Record<string, string>>;
}
