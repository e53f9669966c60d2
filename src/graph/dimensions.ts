// Dimensions of symbolic tensors: a number, or an expression over named sizes ("batch", "49*batch", "floor((height - 1)/2) + 1").
// Expressions are polynomials with integer coefficients, kept as their canonical text, so two dimensions are equal exactly when their
// texts are. Sums, products and floor division are all that convolution, pooling and reshaping need.
import { SaccadeError } from "../errors.ts";

/** A size: known now (number) or known when the graph runs (canonical expression text). */
export type Dim = number | string;
export type Shape = readonly Dim[];

/** Sum of coefficient x product of atoms; the key is the atoms' product ("" for the constant term). */
type Polynomial = ReadonlyMap<string, Term>;

interface Term {
  readonly coefficient: number;
  readonly atoms: readonly string[];
}

const parsed = new Map<string, Polynomial>();

/** Canonical form of anything a caller writes: 3, "batch", "2*batch + 1", "floor(height/2)". Throws on malformed text. */
export function dim(value: Dim): Dim {
  return toDim(polynomial(value));
}

export function addDims(...dims: Dim[]): Dim {
  if (dims.every((d) => typeof d === "number")) return dims.reduce((a: number, b) => a + (b as number), 0);
  return toDim(dims.map(polynomial).reduce(addPolynomials, constant(0)));
}

// "+ 0" below: arithmetic on numbers may give negative zero, a size is plain zero.
export function subtractDims(a: Dim, b: Dim): Dim {
  if (typeof a === "number" && typeof b === "number") return a - b + 0;
  return toDim(addPolynomials(polynomial(a), multiplyPolynomials(polynomial(b), constant(-1))));
}

export function multiplyDims(...dims: Dim[]): Dim {
  const named = dims.filter((d) => typeof d === "string");
  const number = dims.reduce((product: number, d) => (typeof d === "number" ? product * d : product), 1) + 0;
  if (named.length === 0) return number;
  for (const d of dims) if (typeof d === "number") requireWhole(d);
  const key = `${number} ${named.length} ${named.join(" | ")}`;
  const known = products.get(key);
  if (known !== undefined) return known;
  const product = toDim(named.map(polynomial).reduce(multiplyPolynomials, constant(number)));
  products.set(key, product);
  return product;
}

/** By what is multiplied: a model has few shapes, and asks for their sizes again and again. */
const products = new Map<string, Dim>();

/** floor(a / b) for a positive integer b. */
export function floorDivideDim(a: Dim, b: number): Dim {
  if (typeof a === "number") return Math.floor(a / b) + 0;
  if (b === 1) return a;
  const { whole, rest } = takeMultiples(polynomial(a), b);
  if (rest.size === 0) return toDim(whole);
  return toDim(addPolynomials(whole, floorOf(rest, b)));
}

/** a = whole * b + rest, with coefficients of `rest` in 0..b - 1 and its constant in 1 - b..0: what windows leave over. */
function takeMultiples(a: Polynomial, b: number): { whole: Polynomial; rest: Polynomial } {
  let whole: Polynomial = new Map();
  let rest: Polynomial = new Map();
  for (const [key, { coefficient, atoms }] of a) {
    const quotient = key === "" ? Math.ceil(coefficient / b) : Math.floor(coefficient / b);
    const term = (value: number): Polynomial =>
      value === 0 ? new Map() : new Map([[key, { coefficient: value, atoms }]]);
    whole = addPolynomials(whole, term(quotient + 0));
    rest = addPolynomials(rest, term(coefficient - quotient * b));
  }
  return { whole, rest };
}

/** floor(a / b); one floor inside another is one: floor((floor(x / c) + d) / b) = floor((x + c d) / (b c)). */
function floorOf(a: Polynomial, b: number): Polynomial {
  const terms = [...a.values()].filter(({ atoms }) => atoms.length > 0);
  const [only] = terms;
  if (only === undefined) return constant(Math.floor((toDim(a) as number) / b));
  const inner =
    terms.length === 1 && only.atoms.length === 1 && only.coefficient === 1 ? floorAtom(only.atoms[0]!) : undefined;
  if (inner === undefined) return atom(`floor((${toDim(a)})/${b})`);
  const constantTerm = a.get("")?.coefficient ?? 0;
  const { numerator, denominator } = inner;
  return polynomial(floorDivideDim(addDims(numerator, constantTerm * denominator), b * denominator));
}

/** a / b when b is a number or a single product that divides a without remainder; undefined when that cannot be shown. */
export function divideDims(a: Dim, b: Dim): Dim | undefined {
  if (Number.isSafeInteger(a) && Number.isSafeInteger(b) && b !== 0)
    return (a as number) % (b as number) === 0 ? (a as number) / (b as number) + 0 : undefined;
  const quotient = divideExactly(polynomial(a), polynomial(b));
  return quotient === undefined ? undefined : toDim(quotient);
}

export function dimsEqual(a: Dim, b: Dim): boolean {
  return a === b;
}

export function shapesEqual(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

/** Number of elements, symbolic where the shape is. */
export function sizeOf(shape: Shape): Dim {
  return multiplyDims(1, ...shape);
}

/** Number of elements, given every named size. Throws when one is missing. */
export function elementsOf(shape: Shape, sizes: ReadonlyMap<string, number>): number {
  return shape.reduce((product: number, d) => product * evaluateDim(d, sizes), 1);
}

/** A shape with another size on one axis. */
export function withSize<D extends Dim>(shape: readonly D[], axis: number, size: D): D[] {
  return shape.map((before, i) => (i === axis ? size : before));
}

export function isStatic(shape: Shape): shape is readonly number[] {
  return shape.every((d) => typeof d === "number");
}

/** The named sizes an expression needs. */
export function symbolsOf(value: Dim): string[] {
  const names = new Set<string>();
  const visit = (d: Dim) => {
    if (typeof d === "number") return;
    for (const { atoms } of polynomial(d).values())
      for (const a of atoms) {
        const inner = floorAtom(a);
        if (inner === undefined) names.add(a);
        else visit(inner.numerator);
      }
  };
  visit(value);
  return [...names].sort();
}

/** The number an expression stands for, given every named size. Throws when one is missing. */
export function evaluateDim(value: Dim, sizes: ReadonlyMap<string, number>): number {
  if (typeof value === "number") return value;
  let sum = 0;
  for (const { coefficient, atoms } of polynomial(value).values())
    sum += atoms.reduce((product, a) => product * evaluateAtom(a, sizes), coefficient);
  return sum;
}

function evaluateAtom(text: string, sizes: ReadonlyMap<string, number>): number {
  const inner = floorAtom(text);
  if (inner !== undefined) return Math.floor(evaluateDim(inner.numerator, sizes) / inner.denominator);
  const size = sizes.get(text);
  if (size === undefined) throw new SaccadeError("dimension", `the size named "${text}" is not known here`);
  return size;
}

/** The expression as a visitor sees it, for lowering: a sum of coefficient x factors, each a name or a floor division. */
export type DimFactor = { readonly name: string } | Floor;
export function dimTerms(value: Dim): { coefficient: number; factors: DimFactor[] }[] {
  return [...polynomial(value).values()].map(({ coefficient, atoms }) => ({
    coefficient,
    factors: atoms.map((a) => floorAtom(a) ?? { name: a }),
  }));
}

export function printShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

// --- polynomials -----------------------------------------------------------------------------------------------------------------

function constant(value: number): Polynomial {
  return value === 0 ? new Map() : new Map([["", { coefficient: value, atoms: [] }]]);
}

function atom(text: string): Polynomial {
  return new Map([[text, { coefficient: 1, atoms: [text] }]]);
}

function addPolynomials(a: Polynomial, b: Polynomial): Polynomial {
  const sum = new Map(a);
  for (const [key, term] of b) addTerm(sum, key, term);
  return sum;
}

function addTerm(sum: Map<string, Term>, key: string, { coefficient, atoms }: Term): void {
  const total = (sum.get(key)?.coefficient ?? 0) + coefficient;
  if (total === 0) sum.delete(key);
  else sum.set(key, { coefficient: total, atoms });
}

function multiplyPolynomials(a: Polynomial, b: Polynomial): Polynomial {
  const product = new Map<string, Term>();
  for (const x of a.values())
    for (const y of b.values()) {
      const atoms = [...x.atoms, ...y.atoms].sort();
      addTerm(product, atoms.join("*"), { coefficient: x.coefficient * y.coefficient, atoms });
    }
  return product;
}

function divideExactly(a: Polynomial, b: Polynomial): Polynomial | undefined {
  if (b.size !== 1) return a.size === b.size && toDim(a) === toDim(b) ? constant(1) : undefined;
  const divisor = [...b.values()][0]!;
  let quotient: Polynomial = new Map();
  for (const term of a.values()) {
    if (term.coefficient % divisor.coefficient !== 0) return undefined;
    const rest = [...term.atoms];
    for (const needed of divisor.atoms) {
      const at = rest.indexOf(needed);
      if (at < 0) return undefined;
      rest.splice(at, 1);
    }
    const coefficient = term.coefficient / divisor.coefficient;
    quotient = addPolynomials(quotient, new Map([[rest.join("*"), { coefficient, atoms: rest }]]));
  }
  return quotient;
}

/** Canonical text: terms by key, the constant last. */
function toDim(value: Polynomial): Dim {
  if (value.size === 0) return 0;
  if (value.size === 1 && value.has("")) return value.get("")!.coefficient;
  const keys = [...value.keys()].sort((x, y) => (x === "" ? 1 : y === "" ? -1 : x < y ? -1 : 1));
  let text = "";
  for (const key of keys) {
    const { coefficient, atoms } = value.get(key)!;
    const magnitude = Math.abs(coefficient);
    const factors = atoms.length > 0 && magnitude === 1 ? atoms : [String(magnitude), ...atoms];
    const sign = text === "" ? (coefficient < 0 ? "-" : "") : coefficient < 0 ? " - " : " + ";
    text += sign + factors.join("*");
  }
  parsed.set(text, value);
  return text;
}

function polynomial(value: Dim): Polynomial {
  if (typeof value === "number") {
    requireWhole(value);
    return constant(value);
  }
  const known = parsed.get(value);
  if (known !== undefined) return known;
  const result = parse(value);
  parsed.set(value, result);
  return result;
}

function requireWhole(value: number): void {
  if (!Number.isSafeInteger(value)) throw new SaccadeError("dimension", `${value} is not an integer size`);
}

const FLOOR = /^floor\(\((.*)\)\/(\d+)\)$/;

function floorAtom(text: string): Floor | undefined {
  const known = floors.get(text);
  if (known !== undefined) return known;
  const match = text.startsWith("floor(") ? FLOOR.exec(text) : null;
  if (match === null) return undefined;
  const floor = { numerator: dim(match[1]!), denominator: Number(match[2]) };
  floors.set(text, floor);
  return floor;
}

const floors = new Map<string, Floor>();

/** numerator / denominator, rounded down. */
interface Floor {
  readonly numerator: Dim;
  readonly denominator: number;
}

/** Recursive descent over `sum := ["-"] product (("+"|"-") product)*`, `product := factor ("*" factor)*`. */
function parse(text: string): Polynomial {
  const tokens = text.match(/[A-Za-z_][A-Za-z0-9_.]*|\d+|[-+*/()]|\S/g) ?? [];
  let at = 0;
  const fail = (): never => {
    throw new SaccadeError(
      "dimension",
      `"${text}" is not a size: use a name, or names and integers with + - * floor(x/n)`,
    );
  };
  const eat = (token: string) => (tokens[at] === token ? tokens[at++] : fail());
  const sum = (): Polynomial => {
    const negative = tokens[at] === "-";
    if (negative) at++;
    let total = multiplyPolynomials(product(), constant(negative ? -1 : 1));
    while (tokens[at] === "+" || tokens[at] === "-") {
      const sign = tokens[at++] === "-" ? -1 : 1;
      total = addPolynomials(total, multiplyPolynomials(product(), constant(sign)));
    }
    return total;
  };
  const product = (): Polynomial => {
    let total = factor();
    while (tokens[at] === "*") {
      at++;
      total = multiplyPolynomials(total, factor());
    }
    return total;
  };
  const factor = (): Polynomial => {
    const token = tokens[at++];
    if (token === undefined) return fail();
    if (/^\d+$/.test(token)) return constant(Number(token));
    if (token === "(") {
      const inner = sum();
      eat(")");
      return inner;
    }
    if (token === "floor") {
      eat("(");
      const numerator = product();
      eat("/");
      const denominator = Number(tokens[at++]);
      if (!Number.isSafeInteger(denominator) || denominator < 1) fail();
      eat(")");
      return polynomial(floorDivideDim(toDim(numerator), denominator));
    }
    return /^[A-Za-z_]/.test(token) ? atom(token) : fail();
  };
  const result = sum();
  if (at !== tokens.length) fail();
  return result;
}
