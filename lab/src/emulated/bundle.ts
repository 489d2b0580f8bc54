/**
 * One file of JavaScript for each test file, with everything it imports: in the guest Node is some 30 times slower, and
 * to find, read and strip a thousand modules over 9p would take minutes. What a module knows of its own place
 * (`import.meta`) stays true, so fixtures and native packages are found where they are.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Loader, type Plugin } from 'esbuild';
import { projectRoot } from '../levels/needs.ts';

/** Packages that load a binary of their own by its place. */
const native = ['netlink', 'koffi'];

/** A part of tap that loads React, to print JSX in a difference. */
const jsxPrinter = /tcompare\/dist\/esm\/react-element-to-jsx-string\.js$/;

const ownPlace = (entries: readonly string[]): Plugin => ({
  name: 'own place',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: new RegExp(`^(${native.join('|')})(/|$)`) }, ({ path, importer }) => ({
      path: createRequire(importer).resolve(path),
      external: true,
    }));
    onLoad({ filter: jsxPrinter }, () => ({ contents: 'export default String;' }));
    onLoad({ filter: /\.(m?js|ts)$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      if (!text.includes('import.meta')) return undefined;
      const known: Record<string, unknown> = {
        url: pathToFileURL(path).href,
        dirname: dirname(path),
        filename: path,
        main: entries.includes(path),
      };
      const contents = text.replaceAll(/import\.meta\.(\w+)/g, (whole, name) =>
        name in known ? JSON.stringify(known[name]) : whole,
      );
      const loader: Loader = extname(path) === '.ts' ? 'ts' : 'js';
      return { contents, loader };
    });
  },
});

/** Bundles files, named from the project's root, into `folder`. What is imported on demand stays apart. Returns where each is. */
export async function bundle(files: readonly string[], folder: string): Promise<ReadonlyMap<string, string>> {
  await build({
    absWorkingDir: projectRoot,
    entryPoints: files.map((file, index) => ({ in: file, out: String(index) })),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    keepNames: true,
    logLevel: 'silent',
    plugins: [ownPlace(files.map((file) => resolve(projectRoot, file)))],
    // CommonJS packages ask for Node's own modules by `require`.
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
  });
  return new Map(files.map((file, index) => [file, join(folder, `${index}.mjs`)]));
}
