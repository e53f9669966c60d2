// Examples in TypeScript, checked against this library's public entry.
import { join } from "node:path";
import ts from "typescript";
import { ROOT } from "./documents.ts";

const ENTRY = join(ROOT, "src/node.ts");

/** As strict as users' compilers are. */
const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  noEmit: true,
  allowImportingTsExtensions: true,
  types: ["node"],
  paths: { saccade: [ENTRY], "saccade/web": [join(ROOT, "src/web.ts")] },
};

export interface Example {
  readonly at: string;
  readonly text: string;
}

/** The library's entry as the compiler sees it. */
const LIBRARY = ts.createProgram([ENTRY], OPTIONS);

/** What the compiler says about examples, each a module of its own. */
export function complaints(examples: readonly Example[]): string[] {
  const texts = new Map(examples.map(({ text }, i) => [join(ROOT, `example-${i}.ts`), text]));
  const host = ts.createCompilerHost(OPTIONS);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => texts.has(path) || fileExists(path);
  host.readFile = (path) => texts.get(path) ?? readFile(path);
  host.getSourceFile = (path, version, ...rest) => {
    const text = texts.get(path);
    if (text !== undefined) return ts.createSourceFile(path, text, version);
    return LIBRARY.getSourceFile(path) ?? getSourceFile(path, version, ...rest);
  };
  const program = ts.createProgram([...texts.keys()], OPTIONS, host);
  return [...texts.keys()].flatMap((path, i) => {
    const file = program.getSourceFile(path)!;
    const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
    return found.map(({ messageText, start }) => {
      const { line } = file.getLineAndCharacterOfPosition(start ?? 0);
      return `${examples[i]!.at}, line ${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
    });
  });
}

/** The JavaScript of an example: types are left out, all else stays as it is written. */
export function toJavaScript(text: string, target: ts.ScriptTarget = ts.ScriptTarget.ESNext): string {
  const compilerOptions = { target, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true };
  return ts.transpileModule(text, { compilerOptions }).outputText;
}

/** The examples in the comments of everything that the entry exports, and of its members. */
export function commentExamples(): { readonly names: readonly string[]; readonly examples: readonly Example[] } {
  const checker = LIBRARY.getTypeChecker();
  const entry = checker.getSymbolAtLocation(LIBRARY.getSourceFile(ENTRY)!)!;
  const exported = checker.getExportsOfModule(entry);
  const examples = exported.flatMap((symbol) => {
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    const types = [
      ...(target.flags & ts.SymbolFlags.Value ? [checker.getTypeOfSymbol(target)] : []),
      ...(target.flags & ts.SymbolFlags.Type ? [checker.getDeclaredTypeOfSymbol(target)] : []),
    ];
    const own = [target, ...types.flatMap(({ symbol: ofType }) => (ofType === undefined ? [] : [ofType]))];
    const members = types.flatMap((type) => type.getProperties()).filter(isOurs);
    return [...new Set([...own, ...members])].filter(isOurs).flatMap((documented) =>
      documented
        .getJsDocTags(checker)
        .filter(({ name }) => name === "example")
        .map(({ text }) => ({
          at: `@example of ${symbol.name}${own.includes(documented) ? "" : `.${documented.name}`}`,
          text: ts.displayPartsToString(text),
        })),
    );
  });
  return { names: exported.map(({ name }) => name), examples };
}

function isOurs(symbol: ts.Symbol): boolean {
  return symbol.declarations?.some((one) => one.getSourceFile().fileName.startsWith(join(ROOT, "src"))) === true;
}
