import { expect, test } from "vitest";
import { attributesOf, openState } from "./tofu-state.ts";

/** As OpenTofu 1.12.6 wrote it, with the settings of each stack's `state.tf`. */
const WRITTEN = `{
  "serial": 1,
  "lineage": "84e87f66-6603-66da-899c-d843bf2a406a",
  "meta": {
    "key_provider.pbkdf2.passphrase": "eyJzYWx0Ijoib0pnc1VONnQ4M1VFa0h2T1p4c2l2REhkT2twejBkb0tEcUU3dG8wUjlFMD0iLCJpdGVyYXRpb25zIjoyMDAwMDAsImhhc2hfZnVuY3Rpb24iOiJzaGE1MTIiLCJrZXlfbGVuZ3RoIjozMn0="
  },
  "encrypted_data": "aJWfZYHnMVH/W0LxusOotEJ6SSMfvoZRXP5UvqYUMYVe5Yh43WYU//gMJ9RWQR6QTbdaKxt5B2DaSAQO21STSFRvAXm9IQo8h4tnsIwPq2Du6rf2I4Bx1HUIkQ2qWJ4k+IlUncbTuk1ADtKhTrEkRlYKyuUKr9b/6BkIr1JPFflQxUv51CM0+Q0KxH5g4m7IdvGPyFOkpOnz8PxdBiaWBY3EV4IqoGd9l77ga3KVazi+j+XpIMm+t/Y2OD6YIMgOPv0sw1Zt6u6UzX34M6CKhihd1wJNK2cWHr0F6djBl+xivRqtQQi64eB0XjJ/+Xjvr9DUTZQdFO0ik5ZdjDviNDpn3TJxDy00fMF4BuiS3CwyVlWcCaPx5WBk3tZr0FTisBQ6iAEhxemJuCjLVUo9KMW9go+W5jGViuwQSVIcSUqcR4egvAJVl4l5/DyNCyoeayQAfr+PQbdHmvJ9TPk3mn6Je2D+4ZWBsk36gpY3K73nRMEHMmHoZyx7wgb/sstcYXOpQk8cPUqn4ltEoObHukQwH9dwde+DoBOKOOuyShl9U1ZXtRBDzRY2QwzPZNcb3Fvp12cQ+NpB5bugKRbIA4OkGGsiAeKx0KTuU3k/CIxT+gPszUjMHAjEAy7zwIVJ2G+akRR1Y1WOE+8SUtAhPwh6LjAm3Z3fxkk5vQIrcYjJM4EDYYxBglctO6Nl8KKHLS3jFtIpj87Q8Xs80wTiUjsMGuwSRkBwbmOl/fUHEwM=",
  "encryption_version": "v0"
}`;
const PASSPHRASE = "0123456789abcdef0123456789abcdef";

// Deriving the key is slow on purpose.
test("a state that OpenTofu has encrypted is opened with its passphrase", { timeout: 60_000 }, () => {
  const [data] = attributesOf(openState(WRITTEN, PASSPHRASE), "managed", "terraform_data");

  expect(data).toMatchObject({ input: { value: "hello" } });
  expect(attributesOf(openState(WRITTEN, PASSPHRASE), "data", "terraform_data")).toEqual([]);
});

test("with another, or changed, it does not open, and nothing of it is repeated", { timeout: 60_000 }, () => {
  const changed = WRITTEN.replace('"encrypted_data": "a', '"encrypted_data": "b');

  expect(changed).not.toBe(WRITTEN);
  expect(() => openState(WRITTEN, "another")).toThrow("does not open with the recovery kit's passphrase");
  expect(() => openState(changed, PASSPHRASE)).toThrow("does not open");
});
