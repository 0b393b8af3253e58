import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import ts from 'typescript';

const root = fileURLToPath(new URL('../..', import.meta.url));
const lib = join(root, 'lib');

/** The parts from left to right: each may import from those before it, and all from errors.ts. */
const parts = [
  'errors.ts',
  'turns.ts',
  'access',
  'codecs',
  'formats',
  'arch',
  'memory',
  'kernel',
  'vmlinux',
  'filter',
  'output',
  'pipeline',
  'estimate',
  'verify',
  'diff',
  'arguments.ts',
  'core-description.ts',
  'core-parts.ts',
  'vmcore.ts',
  'open.ts',
  'index.ts',
  'bench',
  'cli',
];

/** The parts that call the addon. */
const usesAddon: ReadonlySet<string> = new Set(['access', 'codecs']);

const sources = readdirSync(lib, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => {
    const path = join(lib, file);
    return {
      path,
      file,
      tree: ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true),
    };
  });

/** The part of a file in lib/, by its path there. */
function partOf(file: string): string {
  return file.split('/')[0] ?? '';
}

/** The module that an import, an export ... from, an import() or an import type names. */
function specifierOf(node: ts.Node): string | undefined {
  let specifier: ts.Node | undefined;
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) specifier = node.moduleSpecifier;
  else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    specifier = node.arguments[0];
  else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
    specifier = node.argument.literal;
  return specifier && ts.isStringLiteralLike(specifier) ? specifier.text : undefined;
}

function* descendants(node: ts.Node): Generator<ts.Node> {
  yield node;
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => {
    children.push(child);
  });
  for (const child of children) yield* descendants(child);
}

t.test('every file of lib/ belongs to a part', async (t) => {
  t.strictSame(
    [...new Set(sources.map(({ file }) => partOf(file)))].filter((part) => !parts.includes(part)),
    [],
  );
});

t.test('no part imports from a part on its right', async (t) => {
  const wrong: string[] = [];
  for (const { path, file, tree } of sources) {
    for (const node of descendants(tree)) {
      const specifier = specifierOf(node);
      if (!specifier?.startsWith('.')) continue;
      const target = relative(lib, resolve(dirname(path), specifier));
      if (target === '../types/native.d.ts' && usesAddon.has(partOf(file))) continue;
      const from = parts.indexOf(partOf(file));
      const to = parts.indexOf(partOf(target));
      if (to < 0 || to > from) wrong.push(`${file} imports ${target}`);
    }
  }
  t.strictSame(wrong, []);
});

t.test('only cli/ prints, exits and reads the command line', async (t) => {
  const reserved = new Set(['argv', 'stdout', 'stderr', 'stdin', 'exit', 'exitCode', 'on', 'once']);
  const wrong: string[] = [];
  for (const { file, tree } of sources.filter(({ file }) => partOf(file) !== 'cli')) {
    for (const node of descendants(tree)) {
      const isConsole = ts.isIdentifier(node) && node.text === 'console';
      const isProcess =
        ts.isPropertyAccessExpression(node) &&
        node.expression.getText(tree) === 'process' &&
        reserved.has(node.name.text);
      if (isConsole || isProcess) wrong.push(`${file}: ${node.getText(tree)}`);
    }
  }
  t.strictSame(wrong, []);
});
