import { expect, test } from "vitest";
import { credentialsFile } from "./sealed.ts";

test("Velero's key is a file as AWS's tools read it, and half a key is none", () => {
  const key = { access_key_id: "id", secret_access_key: "secret" };

  expect(credentialsFile(key)).toBe("[default]\naws_access_key_id=id\naws_secret_access_key=secret\n");
  for (const told of [undefined, null, {}, { ...key, access_key_id: "" }, { access_key_id: "id" }])
    expect(credentialsFile(told)).toBeUndefined();
});
