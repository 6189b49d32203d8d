// Writes what is generated from the schema and committed: schema.graphql and the typed documents of src/client.
// `--check` writes nothing and fails when one of them is not what it would write.
import { readFile, writeFile } from 'node:fs/promises'
import { codegen } from '@graphql-codegen/core'
import * as typedDocumentNode from '@graphql-codegen/typed-document-node'
import * as typescriptOperations from '@graphql-codegen/typescript-operations'
import { lexicographicSortSchema, parse, printSchema } from 'graphql'
import { schema } from './src/graphql/schema.ts'

const OPERATIONS = 'src/client/operations.graphql'
const CLIENT = 'src/client/operations.ts'
const SCHEMA = 'schema.graphql'

const schemaText = `${printSchema(lexicographicSortSchema(schema))}\n`

const clientText = await codegen({
  filename: CLIENT,
  schema: parse(schemaText),
  documents: [{ location: OPERATIONS, document: parse(await readFile(OPERATIONS, 'utf8')) }],
  config: {
    useTypeImports: true,
    enumsAsTypes: true,
    skipTypename: true,
    defaultScalarType: 'unknown',
    strictScalars: true,
    scalars: {
      DateTime: { input: 'string | Date', output: 'string' },
      JSON: { input: 'unknown', output: 'unknown' },
      JSONObject: { input: 'Record<string, unknown>', output: 'Record<string, unknown>' },
      SafeInt: { input: 'number', output: 'number' },
      UUID: { input: 'string', output: 'string' },
      Usd: { input: 'number', output: 'number' },
    },
  },
  plugins: [{ typescriptOperations: {} }, { typedDocumentNode: {} }],
  pluginMap: { typescriptOperations, typedDocumentNode },
})

const stale: string[] = []
for (const [file, text] of [
  [SCHEMA, schemaText],
  [
    CLIENT,
    `// Made by codegen.ts from ${OPERATIONS}: change that, and run \`npm run codegen\`.\n${clientText}`,
  ],
] as const) {
  if ((await readFile(file, 'utf8').catch(() => '')) === text) continue
  if (process.argv.includes('--check')) stale.push(file)
  else await writeFile(file, text)
}
if (stale.length > 0) {
  console.error(`Not up to date: ${stale.join(', ')}. Run "npm run codegen".`)
  process.exitCode = 1
}
