import { expect, test } from "vitest";
import { rows, toMarkdown } from "../sandbox/contract/table.ts";

test("the documented contract of the K3s stand-in is the tested one", async () => {
  await expect(toMarkdown(rows)).toMatchFileSnapshot("../../sandbox/k3s/CONTRACT.md");
});

test("no two rows have one name, and each quotes K3s's documentation", () => {
  expect(new Set(rows.map(({ behaviour }) => behaviour)).size).toBe(rows.length);
  for (const { url, quote } of rows) {
    expect(url).toMatch(/^https:\/\/docs\.k3s\.io\//);
    expect(quote.length).toBeGreaterThan(20);
  }
});
