// What is used of mediabunny, by name, so that bundlers leave out the rest: two thirds of it. Loaded with the first video.
export {
  BlobSource,
  BufferSource,
  EncodedPacketSink,
  Input,
  MATROSKA,
  MP4,
  MPEG_TS,
  QTFF,
  UrlSource,
  VideoSampleSink,
  WEBM,
} from "mediabunny";
