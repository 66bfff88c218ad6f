/** What the system says of a GPU that WebGPU does not: memory and driver. */

/** What is known of a GPU besides its adapter; `null` for what is not. */
export interface GpuFacts {
  /** The version of its driver. */
  readonly driver: string | null;
  /** Bytes of its memory. */
  readonly vramByteLength: number | null;
  /** Bytes of it that nobody uses. */
  readonly freeVramByteLength: number | null;
  /** Who says so. */
  readonly source: string | null;
}

/** Where nobody says anything. */
export const NO_GPU_FACTS: GpuFacts = {
  driver: null,
  vramByteLength: null,
  freeVramByteLength: null,
  source: null,
};

const QUERY = "name,driver_version,memory.total,memory.free";

/**
 * Asks the system about a GPU: on NVIDIA's the program that comes with the driver,
 * on Linux else what the kernel says of a single graphics card. It never fails.
 *
 * @param adapter What people call the GPU.
 * @returns What is known.
 */
export async function gpuFacts(adapter: string): Promise<GpuFacts> {
  try {
    if (adapter.includes("NVIDIA")) return await nvidiaFacts(adapter);
    if (
      Deno.build.os === "linux" &&
      !/llvmpipe|lavapipe|swiftshader/i.test(adapter)
    ) {
      return await linuxFacts();
    }
  } catch {
    // The program or the files may not be there, or we may not use them.
  }
  return NO_GPU_FACTS;
}

async function nvidiaFacts(adapter: string): Promise<GpuFacts> {
  const { stdout } = await new Deno.Command("nvidia-smi", {
    args: [`--query-gpu=${QUERY}`, "--format=csv,noheader,nounits"],
  }).output();
  return parseNvidiaFacts(new TextDecoder().decode(stdout), adapter);
}

/**
 * Reads what nvidia-smi says of all GPUs.
 *
 * @param text Lines of name, driver, MiB of memory and MiB that are free.
 * @param adapter What people call the GPU.
 * @returns What it says of the first of that name, else of the first.
 */
export function parseNvidiaFacts(text: string, adapter: string): GpuFacts {
  const rows = text.trim().split("\n")
    .map((line) => line.split(",").map((cell) => cell.trim()))
    .filter((row) => row.length === 4);
  const row = rows.find(([name]) => adapter.includes(name!)) ?? rows[0];
  if (row === undefined) return NO_GPU_FACTS;
  const [, driver, total, free] = row;
  return {
    driver: driver || null,
    vramByteLength: mebibytes(total),
    freeVramByteLength: mebibytes(free),
    source: "nvidia-smi",
  };
}

/** "[N/A]" where memory is the host's. */
function mebibytes(text: string | undefined): number | null {
  const count = Number(text);
  return text !== "" && Number.isFinite(count) ? count * 2 ** 20 : null;
}

/** The kernel's AMD driver says how much memory a card has. */
async function linuxFacts(): Promise<GpuFacts> {
  const cards: GpuFacts[] = [];
  for await (const { name } of Deno.readDir("/sys/class/drm")) {
    if (!/^card\d+$/.test(name)) continue;
    const read = async (file: string) => {
      const path = `/sys/class/drm/${name}/device/${file}`;
      return Number(await Deno.readTextFile(path));
    };
    try {
      const total = await read("mem_info_vram_total");
      const used = await read("mem_info_vram_used");
      cards.push({
        driver: null,
        vramByteLength: total,
        freeVramByteLength: total - used,
        source: "/sys/class/drm",
      });
    } catch {
      // A card of another driver.
    }
  }
  // Of several it is not known which one the adapter is.
  return cards.length === 1 ? cards[0]! : NO_GPU_FACTS;
}
