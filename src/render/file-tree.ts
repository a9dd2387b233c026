/** Relative path → contents. `mode` is that of the file on disk. */
export type FileTree = ReadonlyMap<string, RenderedFile>;

export interface RenderedFile {
  text: string;
  mode: 0o644 | 0o755;
}

/** The header of a rendered file: what to edit instead, and which command to run. */
export function header(source: string): string {
  return `# Rendered by infra-k3s from ${source}. Edit that and run: infra-k3s render\n`;
}
