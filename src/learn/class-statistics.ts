// What is kept of each class so that pictures and classes come and go without the others being seen again: the number of rows, their sum, and either the
// rows themselves, while they take less room, or the sums of their products. Nearest means, ridge regression and discriminant analysis come out
// of these equal to fits on all rows; order does not matter, and the statistics of two machines add up.
import { UsageError } from "../errors.ts";
import { type TensorData, tensor, toFloat64 } from "../tensor.ts";
import { type FeatureMatrix, featureMatrix, requireFinite, rowOf } from "./feature-matrix.ts";
import { type ClassMoments, momentsOf } from "./heads/class-moments.ts";
import type { LinearHead } from "./heads/head.ts";
import { ldaHead } from "./heads/lda.ts";
import { nearestMeanHead } from "./heads/nearest-mean.ts";
import { ridgeHead } from "./heads/ridge.ts";
import { spaceOfMoments, tridiagonalSpace } from "./prepared.ts";

interface OneClass {
  count: number;
  /** (width) */
  readonly sum: Float64Array;
  /** While there are few: (count, width). */
  rows: Float64Array[] | undefined;
  /** Then the lower triangle of Σ x xᵀ, row by row. */
  products: Float64Array | undefined;
}

/** Statistics of classes by name. */
export class ClassStatistics {
  readonly width: number;
  readonly #classes = new Map<string, OneClass>();

  constructor(width: number) {
    if (!Number.isInteger(width) || width < 1) throw new UsageError(`features of width ${width}`);
    this.width = width;
  }

  /** Classes that have rows, sorted by name, so that the order in which they came leaves no trace. */
  get labels(): readonly string[] {
    return [...this.#classes.keys()].sort();
  }

  /** Rows of a class; 0 for one that is not there. */
  countOf(label: string): number {
    return this.#classes.get(label)?.count ?? 0;
  }

  /** Adds rows of a class, which is made when it is new. Throws UsageError for another width, and rows that are not finite. */
  add(label: string, rows: FeatureMatrix): void {
    this.#check(rows);
    if (rows.rows === 0) return;
    const of = this.#classes.get(label) ?? this.#fresh();
    this.#classes.set(label, of);
    for (let row = 0; row < rows.rows; row++) this.#put(of, new Float64Array(rowOf(rows, row)));
  }

  /**
   * Takes rows out that were added. A class without rows is forgotten.
   *
   * @throws UsageError when a class has no such row. Where only sums are kept, that is noticed by their number alone.
   */
  remove(label: string, rows: FeatureMatrix): void {
    this.#check(rows);
    const of = this.#known(label);
    if (rows.rows > of.count)
      throw new UsageError(`class "${label}" has ${of.count} rows, and ${rows.rows} are to be taken out`);
    const places = of.rows === undefined ? undefined : placesOf(of.rows, rows, label);
    if (places !== undefined) of.rows = of.rows!.filter((_, i) => !places.has(i));
    for (let row = 0; row < rows.rows; row++) this.#account(of, rowOf(rows, row), -1);
    if (of.count === 0) this.#classes.delete(label);
    else if (of.rows !== undefined) this.#sumAgain(of, of.rows);
  }

  /** Leaves nothing of a class. Throws UsageError for one that is not there. */
  forget(label: string): void {
    this.#known(label);
    this.#classes.delete(label);
  }

  /** Adds what another has seen; rows that both have count twice. Throws UsageError for another width. */
  merge(other: ClassStatistics): void {
    if (other.width !== this.width)
      throw new UsageError(
        `statistics of ${other.width} features cannot be added to those of ${this.width}`,
        "compute both with the same model and layer",
      );
    for (const [label, theirs] of other.#classes) {
      const of = this.#classes.get(label) ?? this.#fresh();
      this.#classes.set(label, of);
      if (theirs.rows !== undefined) {
        for (const row of theirs.rows) this.#put(of, row);
        continue;
      }
      this.#condense(of);
      of.count += theirs.count;
      addTo(of.sum, theirs.sum);
      addTo(of.products!, theirs.products!);
    }
  }

  /** Mean of each class, in the order of `labels`. (classes, width) */
  means(): Float64Array {
    const { labels, width } = this;
    const means = new Float64Array(labels.length * width);
    labels.forEach((label, c) => {
      const { sum, count } = this.#known(label);
      means.set(
        sum.map((value) => value / count),
        c * width,
      );
    });
    return means;
  }

  /**
   * Nearest class mean.
   *
   * @param prior a vector that a class may begin with, such as a text's: it counts as `weight` rows. A class without rows is its prior alone.
   */
  nearestMean(prior?: { readonly vectors: ReadonlyMap<string, Float64Array>; readonly weight: number }): StreamedHead {
    if (prior === undefined) return this.#headOf(this.labels, (classes) => nearestMeanHead(classes, this.means()));
    const { vectors, weight } = prior;
    if (!(weight > 0)) throw new UsageError(`a prior's weight is ${weight}`, "give a number of pictures above 0");
    for (const [label, vector] of vectors)
      if (vector.length !== this.width)
        throw new UsageError(`the prior of "${label}" has ${vector.length} features, and pictures have ${this.width}`);
    const labels = [...new Set([...this.labels, ...vectors.keys()])].sort();
    const means = new Float64Array(labels.length * this.width);
    labels.forEach((label, c) => {
      const of = this.#classes.get(label);
      const vector = vectors.get(label);
      const total = (of?.count ?? 0) + (vector === undefined ? 0 : weight);
      for (let i = 0; i < this.width; i++)
        means[c * this.width + i] = ((of?.sum[i] ?? 0) + (vector === undefined ? 0 : weight * vector[i]!)) / total;
    });
    return this.#headOf(labels, (classes) => nearestMeanHead(classes, means));
  }

  /** Ridge regression, as on all rows. Throws UsageError for fewer than two classes. */
  async ridge(alpha: number): Promise<StreamedHead> {
    const moments = await this.#moments();
    return this.#headOf(this.labels, () => ridgeHead(moments, alpha));
  }

  /** Linear discriminant analysis, as on all rows. Throws UsageError for fewer than two classes, or when the covariance cannot be inverted. */
  async lda(shrinkage: number): Promise<StreamedHead> {
    const moments = await this.#moments();
    return this.#headOf(this.labels, () => ldaHead(moments, shrinkage));
  }

  /** Named float64 tensors, from which `ClassStatistics.from` makes the same again; names hold the classes'. */
  tensors(): Map<string, TensorData<"float64">> {
    const out = new Map<string, TensorData<"float64">>();
    for (const label of this.labels) {
      const { count, sum, rows, products } = this.#known(label);
      out.set(`${label}/count`, tensor("float64", [1], Float64Array.of(count)));
      if (rows !== undefined)
        out.set(`${label}/rows`, tensor("float64", [count, this.width], joined(rows, this.width)));
      else {
        out.set(`${label}/sum`, tensor("float64", [this.width], sum));
        out.set(`${label}/products`, tensor("float64", [products!.length], products!));
      }
    }
    return out;
  }

  /** Throws UsageError for tensors that are no statistics of this width. */
  static from(width: number, tensors: ReadonlyMap<string, TensorData>): ClassStatistics {
    const out = new ClassStatistics(width);
    for (const [name, value] of tensors) {
      if (!name.endsWith("/count")) continue;
      const label = name.slice(0, -"/count".length);
      const count = toFloat64(value)[0]!;
      const part = (which: string, length: number) => {
        const found = tensors.get(`${label}/${which}`);
        const data = found === undefined ? undefined : toFloat64(found);
        if (data !== undefined && (data.length !== length || !data.every(Number.isFinite)))
          throw new UsageError(`the statistics of class "${label}" are damaged: ${which}`);
        return data;
      };
      const rows = part("rows", count * width);
      if (rows !== undefined) {
        out.add(label, featureMatrix(count, width, rows));
        continue;
      }
      const [sum, products] = [part("sum", width), part("products", (width * (width + 1)) / 2)];
      if (sum === undefined || products === undefined || !Number.isInteger(count) || count < 1)
        throw new UsageError(`the statistics of class "${label}" are incomplete`);
      out.#classes.set(label, { count, sum: sum.slice(), rows: undefined, products: products.slice() });
    }
    return out;
  }

  #headOf(labels: readonly string[], make: (classes: number) => LinearHead): StreamedHead {
    if (labels.length < 2)
      throw new UsageError(
        `there ${labels.length === 1 ? "is one class" : "are no classes"}`,
        "add rows of at least two",
      );
    return { labels, head: make(labels.length) };
  }

  #fresh(): OneClass {
    return { count: 0, sum: new Float64Array(this.width), rows: [], products: undefined };
  }

  #known(label: string): OneClass {
    const of = this.#classes.get(label);
    if (of === undefined)
      throw new UsageError(`there is no class "${label}"`, `there are ${this.labels.join(", ") || "none"}`, { label });
    return of;
  }

  #check(rows: FeatureMatrix): void {
    if (rows.width !== this.width)
      throw new UsageError(
        `these rows have ${rows.width} features, and the statistics are of ${this.width}`,
        "features of two models or layers cannot be mixed: compute both with the same one",
      );
    requireFinite(rows);
  }

  #put(of: OneClass, row: Float64Array): void {
    this.#account(of, row, 1);
    of.rows?.push(row);
    // Rows are kept while they take less room than the triangle of products.
    if (of.rows !== undefined && of.rows.length > (this.width + 1) / 2) this.#condense(of);
  }

  #account(of: OneClass, row: ArrayLike<number>, sign: 1 | -1): void {
    of.count += sign;
    for (let i = 0; i < this.width; i++) of.sum[i] = of.sum[i]! + sign * row[i]!;
    if (of.products !== undefined) addProducts(of.products, row, sign);
  }

  /** From rows to the sums of their products. */
  #condense(of: OneClass): void {
    if (of.rows === undefined) return;
    const products = new Float64Array((this.width * (this.width + 1)) / 2);
    for (const row of of.rows) addProducts(products, row, 1);
    of.products = products;
    of.rows = undefined;
  }

  /** So that what was taken out leaves no rounding behind. */
  #sumAgain(of: OneClass, rows: readonly Float64Array[]): void {
    of.sum.fill(0);
    for (const row of rows) addTo(of.sum, row);
  }

  async #moments(): Promise<ClassMoments> {
    const { labels, width } = this;
    const all = labels.map((label) => this.#known(label));
    const total = all.reduce((sum, { count }) => sum + count, 0);
    if (all.every(({ rows }) => rows !== undefined) && total < width) {
      const features = featureMatrix(
        total,
        width,
        joined(
          all.flatMap(({ rows }) => rows!),
          width,
        ),
      );
      const targets = Int32Array.from(all.flatMap(({ count }, c) => new Array<number>(count).fill(c)));
      return momentsOf(await tridiagonalSpace(features), targets, labels.length);
    }
    const counts = Int32Array.from(all, ({ count }) => count);
    const mean = new Float64Array(width);
    for (const { sum } of all) addTo(mean, sum);
    for (let i = 0; i < width; i++) mean[i]! /= total;
    const gram = this.#centeredGram(all, mean, total);
    return { classes: labels.length, counts, means: this.means(), ...spaceOfMoments(mean, gram) };
  }

  /** Σ (x - mean) (x - mean)ᵀ over all rows. (width, width) */
  #centeredGram(all: readonly OneClass[], mean: Float64Array, total: number): Float64Array {
    const { width } = this;
    const triangle = new Float64Array((width * (width + 1)) / 2);
    for (const { rows, products } of all) {
      if (products !== undefined) addTo(triangle, products);
      else for (const row of rows!) addProducts(triangle, row, 1);
    }
    const gram = new Float64Array(width * width);
    for (let i = 0, at = 0; i < width; i++)
      for (let j = 0; j <= i; j++, at++) {
        const value = triangle[at]! - total * mean[i]! * mean[j]!;
        gram[i * width + j] = value;
        gram[j * width + i] = value;
      }
    return gram;
  }
}

/** A head and the classes of its rows. */
export interface StreamedHead {
  readonly labels: readonly string[];
  readonly head: LinearHead;
}

/** Where rows are among those kept, each place once. */
function placesOf(kept: readonly Float64Array[], rows: FeatureMatrix, label: string): Set<number> {
  const places = new Set<number>();
  for (let row = 0; row < rows.rows; row++) {
    const wanted = rowOf(rows, row);
    const at = kept.findIndex((known, i) => !places.has(i) && known.every((value, k) => value === wanted[k]));
    if (at === -1)
      throw new UsageError(
        `row ${row} was never added to class "${label}"`,
        "only rows that were added can be taken out, with exactly the features they had",
      );
    places.add(at);
  }
  return places;
}

function joined(rows: readonly Float64Array[], width: number): Float64Array {
  const all = new Float64Array(rows.length * width);
  rows.forEach((row, i) => {
    all.set(row, i * width);
  });
  return all;
}

function addTo(to: Float64Array, from: Float64Array): void {
  for (let i = 0; i < to.length; i++) to[i] = to[i]! + from[i]!;
}

/** The lower triangle of x xᵀ, row by row. */
function addProducts(triangle: Float64Array, row: ArrayLike<number>, sign: 1 | -1): void {
  for (let i = 0, at = 0; i < row.length; i++) {
    const value = sign * row[i]!;
    for (let j = 0; j <= i; j++, at++) triangle[at] = triangle[at]! + value * row[j]!;
  }
}

/** Mean of the accuracies after each task, over the classes seen by then (Rebuffi et al., iCaRL, 2017). */
export function averageIncrementalAccuracy(afterTasks: readonly number[]): number {
  if (afterTasks.length === 0) throw new UsageError("there is no task to average over");
  return afterTasks.reduce((sum, accuracy) => sum + accuracy, 0) / afterTasks.length;
}
