import { expect, test } from "vitest";
import { hostNumbers } from "./plan.ts";

test("servers are numbered from 10, and a known one keeps its number whoever comes or goes", () => {
  const first = hostNumbers({}, ["hetzner-1", "vultr-1", "aws-1"]);
  const later = hostNumbers({ "hetzner-1": "198.18.1.10", "aws-1": "198.18.3.12" }, [
    "hetzner-1",
    "new",
    "aws-1",
  ]);

  expect(first).toEqual({ "hetzner-1": 10, "vultr-1": 11, "aws-1": 12 });
  expect(later).toEqual({ "hetzner-1": 10, new: 11, "aws-1": 12 });
});
