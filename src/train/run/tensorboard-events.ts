// The bytes of TensorBoard's event files: TFRecords (tensorflow/core/lib/io/record_writer.cc) of Event messages
// (tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto), of which a training needs these few fields.
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { maskedCrc32c } from "./crc32c.ts";

const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 } as const;
const SESSION_LOG = { status: 1 } as const;
const SESSION_START = 1;
const SUMMARY = { value: 1 } as const;
const VALUE = { tag: 1, simpleValue: 2, tensor: 8, metadata: 9 } as const;
const TENSOR = { dtype: 1, shape: 2, stringValue: 8 } as const;
const DTYPE_STRING = 7;
const SHAPE = { dimension: 2 } as const;
const DIMENSION = { size: 1 } as const;
const METADATA = { pluginData: 1, dataClass: 4 } as const;
const PLUGIN = { name: 1 } as const;
const DATA_CLASS_TENSOR = 2;

/** One record: length, its checksum, the data, their checksum. */
export function frameRecord(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const record = new Uint8Array(16 + data.length);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(record.subarray(0, 8)), true);
  record.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return record;
}

/** What every event file begins with. */
export function versionEvent(wallTime: number): Uint8Array {
  return event(wallTime, 0).tag(EVENT.fileVersion, WireType.LengthDelimited).string("brain.Event:2").finish();
}

/** Says that a run begins anew at `step`: TensorBoard forgets what files before this one hold from there on. */
export function sessionStartEvent(wallTime: number, step: number): Uint8Array {
  const writer = event(wallTime, step).tag(EVENT.sessionLog, WireType.LengthDelimited).fork();
  return writer.tag(SESSION_LOG.status, WireType.Varint).int32(SESSION_START).join().finish();
}

/** Values of one step, by tag. */
export function scalarsEvent(wallTime: number, step: number, scalars: Iterable<readonly [string, number]>): Uint8Array {
  const writer = event(wallTime, step).tag(EVENT.summary, WireType.LengthDelimited).fork();
  for (const [tag, value] of scalars) {
    writer.tag(SUMMARY.value, WireType.LengthDelimited).fork();
    writer.tag(VALUE.tag, WireType.LengthDelimited).string(tag);
    writer.tag(VALUE.simpleValue, WireType.Bit32).float(inFloat32(value));
    writer.join();
  }
  return writer.join().finish();
}

/** A text, which TensorBoard shows as Markdown. */
export function textEvent(wallTime: number, step: number, tag: string, text: string): Uint8Array {
  const writer = event(wallTime, step).tag(EVENT.summary, WireType.LengthDelimited).fork();
  writer.tag(SUMMARY.value, WireType.LengthDelimited).fork();
  writer.tag(VALUE.tag, WireType.LengthDelimited).string(tag);
  writer.tag(VALUE.tensor, WireType.LengthDelimited).fork();
  writer.tag(TENSOR.dtype, WireType.Varint).int32(DTYPE_STRING);
  writer.tag(TENSOR.shape, WireType.LengthDelimited).fork();
  writer.tag(SHAPE.dimension, WireType.LengthDelimited).fork();
  writer.tag(DIMENSION.size, WireType.Varint).int64(1).join().join();
  writer.tag(TENSOR.stringValue, WireType.LengthDelimited).string(text).join();
  writer.tag(VALUE.metadata, WireType.LengthDelimited).fork();
  writer.tag(METADATA.pluginData, WireType.LengthDelimited).fork();
  writer.tag(PLUGIN.name, WireType.LengthDelimited).string("text").join();
  writer.tag(METADATA.dataClass, WireType.Varint).int32(DATA_CLASS_TENSOR).join();
  return writer.join().join().finish();
}

/** @param wallTime seconds since 1970. */
function event(wallTime: number, step: number): BinaryWriter {
  const writer = new BinaryWriter().tag(EVENT.wallTime, WireType.Bit64).double(wallTime);
  return writer.tag(EVENT.step, WireType.Varint).int64(step);
}

/** The writer refuses finite numbers that float32 cannot hold; a curve had better go through the roof than end the training. */
function inFloat32(value: number): number {
  return Math.fround(value);
}
