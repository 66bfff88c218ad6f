/**
 * What a hub's refusal means, and what to do about it.
 *
 * @module
 */
import { showJson } from "../io/show_json.ts";
import type { ModelReference } from "./model_reference.ts";

/** What is known of a request that was refused. */
export interface Refusal {
  /** What was asked for, as in `pull owner/name`. */
  readonly action: string;
  /** The status of the answer. */
  readonly status: number;
  /** The hub's word for it, such as `GatedRepo`, from `x-error-code`. */
  readonly errorCode: string | null;
  /** What the hub says of it to people, from `x-error-message`. */
  readonly errorMessage: string | null;
  /** Whether a token went with the request. */
  readonly hasToken: boolean;
}

/**
 * Says why a hub refused something.
 *
 * @param refusal What is known.
 * @param reference The model that it was about.
 * @returns A sentence that says what to do.
 */
export function describeRefusal(
  { action, status, errorCode, errorMessage, hasToken }: Refusal,
  { endpoint, owner, name, revision }: ModelReference,
): string {
  const page = `${endpoint}/${owner}/${name}`;
  const host = new URL(endpoint).host;
  // Such as which right a token lacks, which no code tells.
  const said = errorMessage === null
    ? ""
    : ` and says ${showJson(errorMessage)}`;
  const because = (why: string) => `Cannot ${action}: ${why}`;
  if (errorCode === "GatedRepo") {
    return because(
      hasToken
        ? `${host} does not give it to the account of HF_TOKEN${said}, wanted its terms accepted at ${page}`
        : `its terms are to be accepted first, wanted that at ${page}, and HF_TOKEN set to a token of that account, from ${endpoint}/settings/tokens`,
    );
  }
  if (errorCode === "RevisionNotFound") {
    return because(
      `it has no revision ${revision}, wanted a branch, a tag or a commit of ${page}`,
    );
  }
  if (errorCode === "EntryNotFound") {
    return because(`${host} does not have it any more, wanted it in ${page}`);
  }
  const isUnknown = errorCode === "RepoNotFound" || status === 404;
  if (isUnknown && !hasToken) {
    return because(
      `${host} has no public model ${owner}/${name}, wanted another name, or HF_TOKEN set if it is private`,
    );
  }
  if (isUnknown) {
    return because(
      `${host} shows no model ${owner}/${name} to the account of HF_TOKEN, wanted another name or another account`,
    );
  }
  if (status === 401 || status === 403) {
    return because(
      hasToken
        ? `${host} refuses the token with ${status}${said}, wanted HF_TOKEN to be valid and to allow reading`
        : `${host} wants to know who asks (${status})${said}, wanted HF_TOKEN set, or a name without a mistake`,
    );
  }
  return because(`${host} answered ${status}${said}, wanted 200`);
}
