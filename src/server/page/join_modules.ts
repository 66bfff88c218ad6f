const IMPORT = /^import \{[^}]*\} from "\.\/[a-z_]+\.js";\n/gm;
const DECLARED = /^(?:async )?(?:function\*?|class|const|let) (\w+)/gm;
const EXPORT = /^export (?=(?:async )?function|class|const|let)/gm;

/**
 * Makes one module of several, which then share a scope: imports of each other
 * go, and so do the words `export`. They must not export by other means than in
 * front of a declaration, and no two may declare the same name.
 *
 * A page could also hold modules as `data:` URLs of an import map. But then its
 * policy would have to allow scripts from `data:` URLs; a single inline script
 * is allowed by its hash, and nothing else is.
 *
 * @param sources The modules, each after those that it imports.
 * @returns The source of one module that imports and exports nothing.
 * @throws {SyntaxError} If something is imported or exported in another way, if
 *   two declare the same name, or if the source cannot stand in a page.
 */
export function joinModules(sources: readonly string[]): string {
  const joined = sources
    .map((source) => source.replace(IMPORT, "").replace(EXPORT, ""))
    .join("\n");
  const [left] = /^(?:import|export)\b.*/m.exec(joined) ?? [];
  if (left !== undefined) {
    throw new SyntaxError(`Cannot join modules: ${left} is left`);
  }
  const names = [...joined.matchAll(DECLARED)].map(([, name]) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new SyntaxError(`Cannot join modules: two declare ${twice}`);
  }
  if (/<\/script|<!--/i.test(joined)) {
    throw new SyntaxError("Cannot join modules: one has markup of a script");
  }
  return joined;
}
