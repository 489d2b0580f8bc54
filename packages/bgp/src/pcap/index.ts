/** BGP messages in capture files of tcpdump and Wireshark. Pure: the whole file in, messages out. */

export { PcapError, type PcapErrorCode } from './errors.ts';
export { type CapturedMessage, type CaptureOptions, messagesOf } from './messages.ts';
export { isCapture } from './packets.ts';
export type { Endpoint } from './tcp-segment.ts';
