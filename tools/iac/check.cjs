// Judges a translated template by the rules of cdk-nag, less the exceptions that
// exceptions.json argues for. An exception that excuses nothing is an error, too.
//
//     node check.cjs translated.json scratch-directory
const fs = require('fs');
const path = require('path');
const cdk = require('aws-cdk-lib');
const { CfnInclude } = require('aws-cdk-lib/cloudformation-include');
const { AwsSolutionsChecks, ServerlessChecks } = require('cdk-nag');

const [template, scratch] = process.argv.slice(2).map((p) => path.resolve(p));
const exceptions = JSON.parse(fs.readFileSync(path.join(__dirname, 'exceptions.json'), 'utf8'));

const app = new cdk.App({
  outdir: scratch,
  analyticsReporting: false,
  context: { '@aws-cdk/core:failSynthOnValidationErrors': false },
});
new CfnInclude(new cdk.Stack(app, 'Stack'), 'Template', { templateFile: template });
cdk.Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
try {
  app.synth();
} catch (e) {
  if (!/Validation failed/.test(e.message)) throw e; // the report has it
}

const report = JSON.parse(fs.readFileSync(path.join(scratch, 'validation-report.json'), 'utf8'));
const judged = report.pluginReports.filter((r) => ['AwsSolutions', 'Serverless'].includes(r.pluginName));
if (judged.length !== 2) throw new Error(`reports of ${report.pluginReports.map((r) => r.pluginName)}: cdk-nag did not run`);

const used = new Set();
const wrong = [];
for (const { violations } of judged) {
  for (const v of violations) {
    for (const c of v.violatingConstructs) {
      const resource = c.constructPath.split('/').pop();
      const excuse = exceptions.find((e) => e.rule === v.ruleName && e.resources.includes(resource) && e.why);
      if (excuse) used.add(`${v.ruleName} ${resource}`);
      else wrong.push(`${resource}: ${v.ruleName}: ${v.description}`);
    }
  }
}
for (const e of exceptions) {
  for (const resource of e.resources) {
    if (!used.has(`${e.rule} ${resource}`)) wrong.push(`exceptions.json: ${e.rule} excuses nothing of ${resource}`);
  }
}
console.log(wrong.length ? wrong.join('\n') : `cdk-nag: nothing but the ${used.size} exceptions in tools/iac/exceptions.json`);
process.exit(wrong.length ? 1 : 0);
