import { expect, test } from "bun:test";
import { setupSnippets } from "./setup.ts";

test("over TLS Composer is told of the repository, and of no other", () => {
  const [shell, project] = setupSnippets("https://packages.example.test/php");
  expect(shell).toEqual({
    client: "composer",
    file: "shell",
    text: "composer config --global repositories.holdfast composer https://packages.example.test/php/\ncomposer config --global repositories.packagist false\n",
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
  expect(shell?.text).toEndWith("\ncomposer config --global secure-http false\n");
  expect(JSON.parse(project!.text).config).toEqual({ "secure-http": false });
});
