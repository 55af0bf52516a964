"""Tests the simulator with an independent client: Python's standard library. The simulator must have the
fields that the only public LAN client reads from a real device with firmware 2.26. Otherwise our tests
would be right only for a device that does not exist.

usage: simulator.py CEMM-SIM"""

import http.client
import json
import subprocess
import sys
import tempfile
import unittest
import urllib.parse

SIM = sys.argv.pop(1)
KEY = "test-key-4e4f657"
NIGHT = 1739149200  # 2025-02-10 02:00 in Amsterdam
NOON = 1739183027
METERS = "p1,emucs-gas,mb3,pulse-1,s01,usage"


class Simulator:
    """cemm-sim with one device on the LAN."""

    def __init__(self, *options, now=NIGHT):
        command = [SIM, "--devices", "1", "--lan", "1", "--meters", METERS, "--now", str(now), "--speed", "0", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        words = dict(word.split("=", 1) for word in self.process.stdout.readline().split()[1:])
        self.lan = words["lan"]
        self.cloud = urllib.parse.urlsplit(words["cloud"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()

    @staticmethod
    def ask(host, path):
        connection = http.client.HTTPConnection(host, timeout=30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.headers.get_content_type(), answer.read().decode()
        finally:
            connection.close()

    def get(self, path):
        status, kind, body = self.ask(self.lan, "/open-api/v1" + path)
        assert status == 200 and kind == "application/json", (path, status, kind)
        return json.loads(body)

    def ask_cloud(self, path):
        return self.ask(self.cloud.netloc, f"{self.cloud.path}{path}?api_key={KEY}")


def decimals(number):
    return len(repr(number).partition(".")[2]) if number != int(number) else 0


class Firmware226(unittest.TestCase):
    def setUp(self):
        self.sim = Simulator()
        self.addCleanup(self.sim.__exit__)

    def check_pairs(self, pairs, names):
        for name in names:
            time, value = pairs[name]
            self.assertIsInstance(time, int, name)
            self.assertIsInstance(value, (int, float), name)
            self.assertLessEqual(decimals(value), 2, f"{name}: {value}")

    def check_late(self, answer):
        """Each time in totals is some seconds after those in data, because it is from another clock."""
        measured = max(time for time, _ in answer["data"].values())
        for name, (time, _) in answer["totals"].items():
            self.assertIn(time - measured, range(1000, 10000), name)

    def test_root(self):
        data = self.sim.get("")["data"]
        self.assertEqual((data["mac"], data["version"], data["core"]), ("00:1E:C0:00:00:01", "2.26.0.0", "1.25"))
        self.assertTrue(data["name"])

    def test_io(self):
        entries = self.sim.get("/io")["data"]
        self.assertTrue(all(isinstance(entry["io_id"], int) for entry in entries))
        types = {entry["alias"]: entry["type"] for entry in entries}
        self.assertEqual(
            types,
            {"p1": "p1", "emucs-gas": "gas", "mb3": "solar_energy", "pulse-1": "water", "s01": "solar_energy"},
        )

    def test_smart_meter(self):
        answer = self.sim.get("/p1/realtime")
        readings = ("t1", "t2", "t3", "t4")
        self.check_pairs(answer["data"], ("electric_power", "gas", "rate", *readings))
        self.check_pairs(answer["totals"], ("electric_energy", "electric_energy_high", "gas", *readings))
        self.check_late(answer)
        totals = {name: value for name, (_, value) in answer["totals"].items()}
        self.assertAlmostEqual(totals["t1"] - totals["t3"], totals["electric_energy"], delta=0.011)
        self.assertAlmostEqual(totals["t2"] - totals["t4"], totals["electric_energy_high"], delta=0.011)

    def test_solar_meter_at_night(self):
        answer = self.sim.get("/mb3/realtime")
        data, totals = answer["data"], answer["totals"]
        self.check_pairs(data, ("electric_power", "t1"))
        self.check_pairs(totals, ("t1", "t2", "t3", "t4", "electric_energy", "electric_energy_high"))
        self.check_late(answer)
        self.assertEqual(set(data), {"t1", "t2", "electric_power"})
        self.assertEqual(data["t2"], [0, 0])
        self.assertTrue(-10 < data["electric_power"][1] < 0)
        self.assertAlmostEqual(data["t1"][1], totals["t1"][1] + totals["t2"][1], places=6)
        self.assertAlmostEqual(totals["t1"][1] - totals["t3"][1], totals["electric_energy"][1], delta=0.011)
        self.assertLess(totals["t3"][1], totals["t1"][1] / 10)

    def test_pulse_meters(self):
        water, solar = self.sim.get("/pulse-1/realtime"), self.sim.get("/s01/realtime")
        self.check_pairs(water["data"], ("flow",))
        self.check_pairs(water["totals"], ("volume",))
        self.check_pairs(solar["totals"], ("electric_energy", "electric_energy_high"))
        self.check_late(water)
        self.check_late(solar)

    def test_gas_has_the_time_of_the_telegram(self):
        gas, smart = self.sim.get("/emucs-gas/realtime")["data"], self.sim.get("/p1/realtime")["data"]
        self.assertEqual(gas["gas"], smart["gas"])
        self.assertEqual(gas["gas"][0], smart["t1"][0])

    def test_usage_is_served_but_not_listed(self):
        self.check_pairs(self.sim.get("/usage/realtime")["data"], ("electric_power",))

    def test_a_slash_at_the_end_makes_no_difference(self):
        for path in ("", "/io", "/p1/realtime", "/p1/data/day"):
            self.assertEqual(self.sim.get(path), self.sim.get(path + "/"))


class Others(unittest.TestCase):
    def test_devices_are_found_by_their_numbers(self):
        with Simulator("--devices", "3", "--first", "65535") as sim:
            for uid, status in (
                ("00-1E-C0-00-FF-FE", 403),
                ("00-1E-C0-00-FF-FF", 200),
                ("00-1E-C0-01-00-01", 200),
                ("00-1E-C0-01-00-02", 403),
                ("00-1E-C1-01-00-01", 403),
                ("00-1E-C0-01-00-01x", 403),
            ):
                self.assertEqual(sim.ask_cloud(f"cemm/{uid}/p1/realtime/")[0], status, uid)

    def test_connections_are_logged(self):
        with tempfile.NamedTemporaryFile("r") as log, Simulator("--log", log.name, "--log-connections") as sim:
            connections = [http.client.HTTPConnection(sim.cloud.netloc, timeout=30) for _ in range(2)]
            for connection in connections:
                connection.request("GET", "/")
                connection.getresponse().read()
            lines = [line.split()[1:] for line in log if " connect " in line]
            for connection in connections:
                connection.close()
        self.assertEqual(lines, [["cloud", "-", "connect", "1"], ["cloud", "-", "connect", "2"]])

    def test_production_is_positive(self):
        with Simulator(now=NOON) as sim:
            self.assertGreater(sim.get("/mb3/realtime")["data"]["electric_power"][1], 100)

    def test_gas_by_the_hour(self):
        with Simulator("--gas-stamp", "hour", now=NOON) as sim:
            self.assertEqual(sim.get("/emucs-gas/realtime")["data"]["gas"][0], NOON // 3600 * 3600000)

    def test_another_type(self):
        with Simulator("--type", "mb3=heat_pump") as sim:
            types = {entry["alias"]: entry["type"] for entry in sim.get("/io")["data"]}
            self.assertEqual(types["mb3"], "heat_pump")

    def test_older_firmware_has_no_list_and_no_totals(self):
        with Simulator("--firmware", "2.18") as sim:
            self.assertEqual(sim.ask(sim.lan, "/open-api/v1/io")[0], 404)
            self.assertEqual(sim.get("")["data"]["version"], "2.18.1.0")
            self.assertEqual(sim.get("")["data"]["core"], "1.24")
            for alias in METERS.split(","):
                self.assertEqual(set(sim.get(f"/{alias}/realtime")), {"data"})
            self.assertGreater(decimals(sim.get("/p1/realtime")["data"]["t1"][1]), 2)

    def test_promises_are_objects(self):
        with Simulator("--promise", "5000") as sim:
            for path in ("cemm/", "cemm/00-1E-C0-00-00-01/io/", "cemm/00-1E-C0-00-00-01/p1/realtime/"):
                status, kind, body = sim.ask_cloud(path)
                self.assertEqual((status, kind), (202, "application/json"))
                self.assertTrue(json.loads(body)["promise"])


if __name__ == "__main__":
    unittest.main()
