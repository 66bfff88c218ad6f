export { formatByteLength, parseByteLength } from "../io/byte_length.ts";
