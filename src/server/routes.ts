import { ApiError } from "./http/api_error.ts";
import type { AnswerListener } from "./openai/answer.ts";

/** Answers a request; tells what the model does for it. */
export type Handler = (
  request: Request,
  listener: AnswerListener,
) => Promise<Response> | Response;

/** What answers at a path, by method. */
export type Methods = Readonly<Partial<Record<"GET" | "POST", Handler>>>;

/** What answers, by path; a path that ends with `/*` has all below it. */
export type Routes = Readonly<Record<string, Methods>>;

/** What answers a request, and at which of the paths. */
export interface Route {
  /** The path as it is among the routes. */
  readonly path: string;
  /** What answers. */
  readonly handler: Handler;
}

/**
 * Finds what answers a request. `HEAD` is a `GET` whose body nobody wants.
 *
 * @param routes All there are.
 * @param request The request.
 * @returns What answers.
 * @throws {ApiError} If there is nothing at the path (404), or it takes other methods
 * (405).
 */
export function findRoute(routes: Routes, request: Request): Route {
  const { pathname } = new URL(request.url);
  const path = Object.keys(routes).find((path) =>
    path === pathname ||
    (path.endsWith("/*") && pathname.startsWith(path.slice(0, -1)))
  );
  if (path === undefined) {
    const wanted = Object.hasOwn(routes, `/v1${pathname}`)
      ? `/v1${pathname}: base URLs end with /v1`
      : Object.keys(routes).join(", ");
    throw new ApiError(
      `Cannot answer: there is nothing at ${pathname}, wanted ${wanted}`,
      { status: 404, code: "not_found" },
    );
  }
  const methods = routes[path]!;
  const method = request.method === "HEAD" ? "GET" : request.method;
  const handler = methods[method as keyof Methods];
  if (handler !== undefined) return { path, handler };
  const allowed = Object.keys(methods).join(", ");
  throw new ApiError(
    `Cannot answer: ${pathname} takes no ${request.method}, wanted ${allowed}`,
    { status: 405, code: "method_not_allowed", headers: { allow: allowed } },
  );
}
