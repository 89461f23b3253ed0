// What every runtime has to be able to do: get a token once for several callers, check it, refuse a changed one.
import { tokenSource } from "@countersign/sdk/token-source";
import { verifier } from "@countersign/sdk/verifier";

let tokens, checks;

/** Uses what an earlier call made, as a process that serves many requests does. */
export async function smoke({ url, projectId, clientId, clientSecret }) {
  tokens ??= tokenSource({ url, projectId, clientId, clientSecret });
  checks ??= verifier({ url, projectId });
  const [token, same] = await Promise.all([tokens.token(), tokens.token()]);
  const caller = await checks.verify(token, { scopes: ["read:users"] });
  const changed = token.replace(/[^.]{8}$/, "AAAAAAAA");
  const refusal = await checks.verify(changed).catch((error) => error.code);
  return { caller: caller.clientId, isShared: token === same, refusal };
}
