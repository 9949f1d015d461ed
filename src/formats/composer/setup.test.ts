import { expect, test } from "bun:test";
import { setupSnippets } from "./setup.ts";

test("over TLS Composer is told of the repository, and of no other", () => {
  const [shell, project] = setupSnippets("https://packages.example.test/php");
  expect(shell).toEqual({
    client: "composer",
    file: "shell",
    text: [
      "composer config --global repositories.php composer https://packages.example.test/php/",
      "composer config --global repositories.packagist false",
      "# Where packages are private, with a token of yours:",
      "# composer config --global --auth http-basic.packages.example.test token TOKEN",
      "",
    ].join("\n"),
  });
  expect(JSON.parse(project!.text)).toEqual({
    repositories: [
      { type: "composer", url: "https://packages.example.test/php/" },
      { packagist: false },
    ],
  });
});

test("over plain HTTP it must be allowed to, on its own machine too", () => {
  const [shell, project] = setupSnippets("http://127.0.0.1:4653/php");
  expect(shell?.text).toContain("\ncomposer config --global secure-http false\n");
  expect(JSON.parse(project!.text).config).toEqual({ "secure-http": false });
});

test("the built-in repository keeps the name that it has in Composer's configuration", () => {
  const [shell] = setupSnippets("https://packages.example.test/composer");
  expect(shell?.text).toStartWith("composer config --global repositories.holdfast composer ");
});
