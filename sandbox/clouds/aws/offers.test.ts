import { GetProductsCommand } from "@aws-sdk/client-pricing";
import { expect, test } from "vitest";
import { usd } from "../../../src/tools/offers/aws.ts";
import { FakeWire } from "./wire.fake.ts";

test("the price of a product, as AWS's SDK gives it; none where the list has no such product", async () => {
  const wire = new FakeWire();
  const ask = async (instanceType: string) => {
    const fields = { regionCode: "eu-central-1", instanceType, operatingSystem: "Linux" };
    const Filters = Object.entries(fields).map(([Field, Value]) => ({
      Type: "TERM_MATCH" as const,
      Field,
      Value,
    }));
    const command = new GetProductsCommand({ ServiceCode: "AmazonEC2", Filters });
    return usd((await wire.pricing().send(command)).PriceList?.[0]);
  };

  expect(await ask("t3.medium")).toBeGreaterThan(0.01);
  expect(await ask("t9.giant")).toBeUndefined();
  wire.close();
});
