import { distance } from "fastest-levenshtein";

/** The allowed word that was probably meant, or undefined when none is near. */
export function nearest(word: string, allowed: readonly string[]): string | undefined {
  const ranked = allowed
    .map((candidate) => ({ candidate, edits: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits);
  const [best] = ranked;
  if (best === undefined) return undefined;
  return best.edits <= Math.max(2, Math.floor(word.length / 3)) ? best.candidate : undefined;
}

export function didYouMean(word: string, allowed: readonly string[]): string {
  const guess = nearest(word, allowed);
  return guess === undefined ? `allowed: ${allowed.join(", ")}` : `did you mean "${guess}"?`;
}
