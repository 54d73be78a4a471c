// Prints, for each document named on the command line, a line of JSON: its channels' addresses and
// the errors that AsyncAPI's own parser finds in it, references and Avro schemas included.
import { AvroSchemaParser } from "@asyncapi/avro-schema-parser";
import { Parser, fromFile } from "@asyncapi/parser";

const ERROR = 0;
const parser = new Parser({ schemaParsers: [AvroSchemaParser()] });
for (const path of process.argv.slice(2)) {
  const { document, diagnostics } = await fromFile(parser, path).parse();
  const errors = diagnostics.filter((one) => one.severity === ERROR).map((one) => one.message);
  const channels = document ? document.channels().all().map((one) => one.address()) : [];
  console.log(JSON.stringify({ channels, errors }));
}
