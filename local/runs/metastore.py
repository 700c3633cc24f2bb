"""Persist schemas, tables, views and functions: store Spark's in-memory catalog in a folder.

Each table or view is a file ``<schema>/<table>`` with Spark's serialized description, and each function a file
``<schema>/<function>.function`` with its parts as JSON. A file is written while the statement that changes the object
is still running. A session does not see objects that another process creates later, until it calls `load` again.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyspark import java_gateway
from pyspark.sql import SparkSession

_FUNCTION = ".function"


def keep(spark: SparkSession, folder: Path) -> None:
    """Load the folder into the session's catalog, and write later changes of the catalog to the folder."""
    load(spark, folder)
    java_gateway.ensure_callback_server_started(spark.sparkContext._gateway)  # type: ignore[no-untyped-call]
    catalog = _catalog(spark)
    catalog.addListener(_Listener(folder, spark._jvm, catalog))


def load(spark: SparkSession, folder: Path) -> None:
    """Load schemas, tables and functions of the folder that are not yet in the session's catalog."""
    java: Any = spark._jvm
    catalog = _catalog(spark)
    for schema in sorted(entry for entry in folder.iterdir() if entry.is_dir()):
        if not catalog.databaseExists(schema.name):
            spark.sql(f"CREATE SCHEMA `{schema.name}`")
        for file in sorted(file for file in schema.iterdir() if not file.name.startswith(".")):
            name = file.name.removesuffix(_FUNCTION)
            if name != file.name:
                if not catalog.functionExists(schema.name, name):
                    catalog.createFunction(schema.name, _function(java, schema.name, name, file.read_bytes()))
            elif not catalog.tableExists(schema.name, name):
                catalog.createTable(java.org.apache.spark.util.Utils.deserialize(file.read_bytes()), True)


def _catalog(spark: SparkSession) -> Any:
    return spark._jsparkSession.sharedState().externalCatalog()


def _parts(function: Any) -> bytes:
    """Return the parts of a function. Spark cannot serialize its description, as it can that of a table."""
    resources = [function.resources().apply(place) for place in range(function.resources().size())]
    listed = [[resource.resourceType().resourceType(), resource.uri()] for resource in resources]
    return json.dumps({"class": function.className(), "resources": listed}).encode()


def _function(java: Any, schema: str, name: str, data: bytes) -> Any:
    """Return the description of a function with these parts."""
    parts, catalyst = json.loads(data), java.org.apache.spark.sql.catalyst
    resources = java.java.util.ArrayList()
    for kind, uri in parts["resources"]:
        resources.add(catalyst.catalog.FunctionResource(catalyst.catalog.FunctionResourceType.fromString(kind), uri))
    listed = java.scala.jdk.javaapi.CollectionConverters.asScala(resources).toSeq()
    identifier = catalyst.FunctionIdentifier(name, java.scala.Option.apply(schema))
    return catalyst.catalog.CatalogFunction(identifier, parts["class"], listed)


class _Listener:
    """Listener for changes of Spark's catalog."""

    def __init__(self, folder: Path, java: Any, catalog: Any) -> None:
        self._folder, self._java, self._catalog = folder, java, catalog

    def onEvent(self, event: Any) -> None:
        kind = event.getClass().getSimpleName()
        if kind in ("CreateTableEvent", "AlterTableEvent"):
            description = self._catalog.getTable(event.database(), event.name())
            self._write(event.database(), event.name(), self._serialized(description))
        elif kind in ("CreateFunctionEvent", "AlterFunctionEvent"):
            description = self._catalog.getFunction(event.database(), event.name())
            self._write(event.database(), event.name() + _FUNCTION, _parts(description))
        elif kind == "DropFunctionEvent":
            self._file(event.database(), event.name() + _FUNCTION).unlink(missing_ok=True)
        elif kind == "RenameTableEvent":
            self._file(event.database(), event.name()).unlink(missing_ok=True)
            description = self._catalog.getTable(event.database(), event.newName())
            self._write(event.database(), event.newName(), self._serialized(description))
        elif kind == "DropTableEvent":
            self._file(event.database(), event.name()).unlink(missing_ok=True)
        elif kind == "CreateDatabaseEvent":
            (self._folder / event.database()).mkdir(parents=True, exist_ok=True)
        elif kind == "DropDatabaseEvent":
            with suppress(FileNotFoundError):
                shutil.rmtree(self._folder / event.database())

    def _file(self, schema: str, name: str) -> Path:
        return self._folder / schema / name

    def _serialized(self, description: Any) -> bytes:
        data: bytes = self._java.org.apache.spark.util.Utils.serialize(description)
        return data

    def _write(self, schema: str, name: str, data: bytes) -> None:
        path = self._file(schema, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(f".{name}.{os.getpid()}")
        half.write_bytes(data)
        half.replace(path)

    class Java:
        """The Java interface that py4j implements."""

        implements = ("org.apache.spark.sql.catalyst.catalog.ExternalCatalogEventListener",)
