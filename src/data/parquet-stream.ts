// Parquet files that are written as their rows come: no more than a group of rows is in memory, however long the file becomes.
import type { ColumnSource, SchemaElement } from "hyparquet-writer";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";

/** Takes a file's bytes in their order. */
export interface ByteSink {
  write(bytes: Uint8Array): Promise<void>;
}

/** No page is larger: a group's values of a column are one page. */
const PAGE_BYTES = 2 ** 31;

export class ParquetStream {
  readonly #sink: ByteSink;
  readonly #bytes = new ByteWriter(2 ** 16);
  readonly #writer: ParquetWriter;
  #rows = 0;

  /**
   * @param columns what the file holds, without the root of the schema; nested columns with what lies in them behind them
   * @param topLevel how many of them are columns
   * @param metadata pairs of the file's metadata
   */
  constructor(
    sink: ByteSink,
    columns: readonly SchemaElement[],
    topLevel: number,
    metadata: Readonly<Record<string, string>> = {},
  ) {
    this.#sink = sink;
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: [{ name: "root", num_children: topLevel }, ...columns],
      createdBy: "saccade",
      kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    });
  }

  /** Rows so far. */
  get rows(): number {
    return this.#rows;
  }

  /** One group of rows: the same number of values of every column. */
  async write(columnData: ColumnSource[]): Promise<void> {
    const rows = columnData[0]?.data.length ?? 0;
    if (rows === 0) return;
    await this.#writer.write({ columnData, rowGroupSize: rows, pageSize: PAGE_BYTES });
    this.#rows += rows;
    await this.#drain();
  }

  /** Writes what a Parquet file ends with. */
  async finish(): Promise<void> {
    await this.#writer.finish();
    await this.#drain();
  }

  async #drain(): Promise<void> {
    const bytes = this.#bytes.getBytes().slice();
    this.#bytes.index = 0; // `offset`, which counts the file's bytes, goes on
    await this.#sink.write(bytes);
  }
}
