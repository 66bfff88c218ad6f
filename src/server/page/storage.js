// @ts-check
/// <reference lib="dom" />

/**
 * @param {() => Storage} open Names one of the browser's storages.
 * @returns {Storage} It, or one that lasts as long as the page.
 */
export function openStorage(open) {
  try {
    return open();
  } catch {
    return memoryStorage(); // This browser keeps nothing.
  }
}

/**
 * Keeps a value if there is room.
 *
 * @param {Storage} storage
 * @param {string} key
 * @param {string} value
 * @returns {boolean} Whether there was. If not, the value before it is still there.
 */
export function keep(storage, key, value) {
  try {
    storage.setItem(key, value);
    return true;
  } catch {
    return false;
  }
}

/**
 * Storage for browsers that give none: it lasts as long as the page.
 *
 * @returns {Storage}
 */
export function memoryStorage() {
  const values = /** @type {Map<string, string>} */ (new Map());
  return {
    get length() {
      return values.size;
    },
    key: (index) => [...values.keys()][index] ?? null,
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
    clear: () => values.clear(),
  };
}
