// Prints what AsyncAPI's own parser finds in a document: its diagnostics, channels and messages.
import { Parser, fromFile } from "@asyncapi/parser";

const { document, diagnostics } = await fromFile(new Parser(), process.argv[2]).parse();
const channels = document?.channels().all() ?? [];
console.log(
  JSON.stringify({
    version: document?.version() ?? null,
    diagnostics: diagnostics.map(({ severity, code, path, message }) => ({
      severity, code, path: path.join("."), message,
    })),
    channels: channels.map((channel) => ({
      address: channel.address(),
      operations: channel.operations().all().map((operation) => operation.action()),
      messages: channel.messages().all().map((message) => ({
        name: message.name(),
        payload: message.payload()?.id() ?? null,
        headers: Object.keys(message.headers()?.properties() ?? {}),
      })),
    })),
  }),
);
