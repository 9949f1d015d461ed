// Helm itself on the chart: it finds no fault, and what it makes of the values is what a cluster is to get.
import { describe, expect, test } from "bun:test";
import { parse, parseAllDocuments } from "yaml";
import { Store } from "../../src/config/store.ts";
import { run } from "../support/run.ts";
import { tempFolder } from "../support/temp.ts";
import { commandOf, withPrograms } from "./clients.ts";

const chart = new URL("../../deploy/helm/holdfast", import.meta.url).pathname;

async function helm(...args: string[]) {
  const home = tempFolder("helm");
  const env = { ...process.env, HOME: home, HELM_CACHE_HOME: home } as Record<string, string>;
  return run([...commandOf("helm"), ...args], { cwd: home, env, timeout: 60_000 });
}

/** What it would send to the cluster: by kind. Without a cluster it has to be told of which version that is. */
async function template(...set: string[]) {
  const flags = set.flatMap((one) => ["--set", one]);
  const made = await helm("template", "acme", chart, "--kube-version", "1.33.0", ...flags);
  if (made.code !== 0) throw new Error(made.output);
  // biome-ignore lint/suspicious/noExplicitAny: manifests of many kinds
  const found: Record<string, any> = {};
  for (const document of parseAllDocuments(made.stdout)) {
    const one = document.toJS();
    if (one) found[one.kind] = one;
  }
  return found;
}

withPrograms(["helm"], () =>
  describe("the chart", () => {
    test("has no fault", async () => {
      const linted = await helm("lint", "--strict", "--kube-version", "1.33.0", chart);
      expect(linted).toMatchObject({
        code: 0,
        output: expect.stringContaining("0 chart(s) failed"),
      });
    });

    test("makes pods that are nobody's root, keep a cache alone, and are asked whether they live", async () => {
      const { Deployment, Service, PodDisruptionBudget, ConfigMap } = await template();
      const { spec } = Deployment.spec.template;
      const [container] = spec.containers;
      expect(Deployment.spec.replicas).toBe(3);
      expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 4653 });
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      // All nodes are without the database at the same time: that takes none of them away.
      expect(
        [container.readinessProbe, container.livenessProbe].map((probe) => probe.httpGet.path),
      ).toEqual(["/-/health/live", "/-/health/live"]);
      const names = spec.volumes.map(({ name }: { name: string }) => name);
      const mounted = container.volumeMounts.map(({ name }: { name: string }) => name);
      expect(mounted.sort()).toEqual(names.sort());
      const labels = Deployment.spec.template.metadata.labels;
      for (const selector of [
        Deployment.spec.selector.matchLabels,
        Service.spec.selector,
        PodDisruptionBudget.spec.selector.matchLabels,
      ])
        expect(labels).toMatchObject(selector);
      const config = parse(ConfigMap.data["holdfast.yaml"]);
      const secrets = container.volumeMounts.find(
        ({ name }: { name: string }) => name === "secrets",
      );
      for (const file of [
        config.database.passwordFile,
        config.store.accessKeyFile,
        config.store.secretKeyFile,
      ])
        expect(file).toStartWith(`${secrets.mountPath}/`);
    });

    test("makes other pods of another configuration", async () => {
      const of = async (...set: string[]) =>
        (await template(...set)).Deployment.spec.template.metadata.annotations["checksum/config"];
      const before = await of();
      expect(await of("config.publicUrl=https://other.example.com")).not.toBe(before);
      expect(await of("replicas=5")).toBe(before);
    });

    test("has pods with a role of AWS in place of a key", async () => {
      const { Deployment, ConfigMap } = await template(
        ...["serviceAccountName=packages", "config.store.role=web-identity"],
        ...["endpoint", "accessKeyFile", "secretKeyFile"].map((key) => `config.store.${key}=null`),
      );
      expect(Deployment.spec.template.spec.serviceAccountName).toBe("packages");
      const { store } = parse(ConfigMap.data["holdfast.yaml"]);
      expect(Store.safeParse(store)).toMatchObject({
        success: true,
        data: { role: "web-identity" },
      });
      expect(Object.keys(store)).not.toContain("accessKeyFile");
    });

    test("has an ingress and a monitor where they are wanted", async () => {
      expect(Object.keys(await template())).not.toContain("Ingress");
      const { Ingress, ServiceMonitor, Service } = await template(
        ...["ingress.enabled=true", "ingress.tlsSecretName=cert", "serviceMonitor.enabled=true"],
        "serviceMonitor.tokenSecret.name=prometheus",
      );
      const [rule] = Ingress.spec.rules;
      expect(rule.http.paths[0].backend.service.name).toBe(Service.metadata.name);
      expect(Ingress.spec.tls[0]).toEqual({ secretName: "cert", hosts: [rule.host] });
      expect(ServiceMonitor.spec.endpoints[0]).toMatchObject({
        path: "/-/metrics",
        authorization: { credentials: { name: "prometheus", key: "token" } },
      });
    });

    test("refuses several nodes without a database and a bucket, and takes one", async () => {
      for (const missing of ["config.store=null", "config.database=null"]) {
        await expect(template(missing)).rejects.toThrow("Several nodes need config.database");
        expect((await template(missing, "replicas=1")).Deployment.spec.replicas).toBe(1);
      }
    });
  }),
);
