/** Replicas of the server behind HAProxy, as `deploy/haproxy.cfg` sets it up. */

import { existsSync } from "node:fs";
import { fromFileUrl } from "@std/path";
import { until } from "../src/server/_until.ts";

/** Debian has it where only root looks. */
const HAPROXY = "/usr/sbin/haproxy";

/** The file that operators get. */
export const CONFIG = fromFileUrl(
  new URL("../deploy/haproxy.cfg", import.meta.url),
);
const REPLICA = fromFileUrl(new URL("_replica.ts", import.meta.url));

/** The names of the replicas in the configuration. */
export const NAMES = ["r1", "r2", "r3"] as const;

/** The name of a replica. */
export type Name = (typeof NAMES)[number];

/** The header by which the balancer says who answered. */
const REPLICA_HEADER = "x-moeno-replica";

/**
 * Says who answered.
 *
 * @param response The answer.
 * @returns The replica's name.
 */
export function replicaOf(response: Response): Name {
  return response.headers.get(REPLICA_HEADER) as Name;
}

/** Whether HAProxy is installed. */
export const HAS_HAPROXY: boolean = existsSync(HAPROXY);

/**
 * Has HAProxy check a configuration.
 *
 * @param path The file.
 * @returns The exit code, and what it says.
 */
export async function checkConfig(
  path: string,
): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(HAPROXY, {
    args: ["-c", "-f", path],
  }).output();
  const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, text: text.join("") };
}

/** A balancer with three replicas, each a process. */
export class Balanced implements AsyncDisposable {
  readonly #folder: string;
  readonly #port = freePort();
  readonly #ports = new Map(NAMES.map((name) => [name, freePort()]));
  readonly #replicas = new Map<Name, Deno.ChildProcess>();
  #haproxy: Deno.ChildProcess | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Starts all of them. */
  static async start(): Promise<Balanced> {
    const balanced = new Balanced(
      await Deno.makeTempDir({ prefix: "moeno-balanced-" }),
    );
    await Promise.all(NAMES.map((name) => balanced.startReplica(name)));
    await balanced.#startHaproxy();
    return balanced;
  }

  /** The balancer's address. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /**
   * Says where a replica is, for those who go round the balancer.
   *
   * @param name The replica.
   * @returns Its address.
   */
  urlOf(name: Name): string {
    return `http://127.0.0.1:${this.#ports.get(name)}`;
  }

  /**
   * Starts a replica that is not there; resolves when it listens.
   *
   * @param name Which.
   */
  async startReplica(name: Name): Promise<void> {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--no-lock", "--no-check"].concat(
        REPLICA,
        String(this.#ports.get(name)),
      ),
      stdin: "null",
    }).spawn();
    this.#replicas.set(name, child);
    await until(() => answers(`${this.urlOf(name)}/health`), `${name} starts`);
  }

  /**
   * Sends a signal to a replica; resolves to its exit code.
   *
   * @param name Which.
   * @param signal The signal.
   * @returns The exit code.
   */
  async stopReplica(name: Name, signal: Deno.Signal): Promise<number> {
    const child = this.#replicas.get(name)!;
    this.#replicas.delete(name);
    child.kill(signal);
    return (await child.status).code;
  }

  /** Ends all of them. */
  async [Symbol.asyncDispose](): Promise<void> {
    const children = [...this.#replicas.values(), this.#haproxy!];
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map((child) => child.status));
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #startHaproxy(): Promise<void> {
    const path = `${this.#folder}/haproxy.cfg`;
    await Deno.writeTextFile(path, await this.#config());
    this.#haproxy = new Deno.Command(HAPROXY, {
      args: ["-db", "-f", path],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await until(() => answers(`${this.url}/health`), "the balancer starts");
  }

  /** The configuration, but for the addresses. */
  async #config(): Promise<string> {
    const changes: [string, string][] = [
      ["bind 127.0.0.1:8080\n", `bind 127.0.0.1:${this.#port}\n`],
      ["bind 127.0.0.1:8404\n", `bind 127.0.0.1:${freePort()}\n`],
      ...NAMES.map((name, i): [string, string] => [
        `server ${name} 127.0.0.1:${8081 + i}\n`,
        `server ${name} 127.0.0.1:${this.#ports.get(name)}\n`,
      ]),
    ];
    if (Deno.uid() !== 0) {
      changes.push(["    user haproxy\n", ""], ["    group haproxy\n", ""]);
    }
    return changes.reduce((text, [from, to]) => {
      if (text.includes(from)) return text.replace(from, to);
      throw new Error(
        `Cannot change ${from.trim()}: ${CONFIG} has no such line`,
      );
    }, await Deno.readTextFile(CONFIG));
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}
