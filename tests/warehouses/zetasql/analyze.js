// Analyze SQL as BigQuery does, with Google's own analyzer.
//
// Reads {tables: {"a.b.c": {column: type}}, statements: [{table, sql}]} on stdin. A statement's
// result is a table for those after it. Ends with 1 and the message of the first error.

const { createServer } = require('net');
const { LanguageOptions, ZetaSQLClient, runServer, terminateServer } = require('@fivetrandevelopers/zetasql');

/** Return a catalog with the columns of each table, by the parts of the tables' names. */
function catalogOf(tables, options) {
  const root = { name: 'root', catalog: [], table: [], builtinFunctionOptions: { languageOptions: options } };
  for (const [path, columns] of Object.entries(tables)) {
    const parts = path.split('.');
    const name = parts.pop();
    let catalog = root;
    for (const part of parts) {
      let inner = catalog.catalog.find((one) => one.name === part);
      if (!inner) catalog.catalog.push((inner = { name: part, catalog: [], table: [] }));
      catalog = inner;
    }
    const column = Object.entries(columns).map(([name, typeKind]) => ({ name, type: { typeKind } }));
    catalog.table.push({ name, column });
  }
  return root;
}

async function main() {
  const { tables, statements } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
  const port = await new Promise((resolve) => {
    const server = createServer().listen(0, () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
  runServer(port);
  ZetaSQLClient.init(port);
  await ZetaSQLClient.getInstance().testConnection();
  const language = await new LanguageOptions().enableMaximumLanguageFeatures();
  const options = { ...language.serialize(), productMode: 'PRODUCT_EXTERNAL' };
  for (const { table, sql } of statements) {
    const answer = await ZetaSQLClient.getInstance()
      .analyze({
        sqlStatement: sql,
        target: 'sqlStatement',
        simpleCatalog: catalogOf(tables, options),
        options: { languageOptions: options },
      })
      .catch((error) => {
        throw new Error(`${table}: ${error.details || error.message}`);
      });
    const outputs = answer.resolvedStatement.resolvedQueryStmtNode.outputColumnList;
    tables[table] = Object.fromEntries(outputs.map((one) => [one.name, one.column.type.typeKind]));
  }
  console.log(JSON.stringify(tables));
}

main()
  .then(() => 0, (error) => (console.error(error.message), 1))
  .then((code) => {
    terminateServer();
    process.exit(code);
  });
